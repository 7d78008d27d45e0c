#!/bin/sh
# The browser tests need Chromium and the PDF tests pango: install both where apt is there and we may.
set -u
if command -v chromium >/dev/null 2>&1 && ldconfig -p 2>/dev/null | grep -q libpangoft2; then exit 0; fi
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  echo "Installing Chromium and pango for the browser and PDF tests (once) ..."
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    chromium fonts-dejavu-core fonts-liberation libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 >/dev/null && exit 0
fi
echo "Chromium or pango is missing and could not be installed here: install the packages chromium, fonts-dejavu-core," \
  "libpango-1.0-0, libpangoft2-1.0-0 and libharfbuzz-subset0; the tests that need them will say so." >&2
exit 0
