#!/bin/sh
# The restore drill: is this backup, with these keys, a Curbside again?
#
#   deploy/drill.sh BACKUP KEYS [ANCHORS]
#
# Restores into a folder of its own, or into the empty PostgreSQL database of DRILL_DATABASE_URL,
# looks at it with `doctor`, verifies the log, and removes what it made. The bot is not touched, and
# Telegram is not asked. PYTHON names another interpreter than that of the project.
set -eu

[ $# -ge 2 ] && [ $# -le 3 ] || { sed -n 's/^#   /usage: /p' "$0" >&2; exit 2; }
absolute() { case $1 in /*) echo "$1" ;; *) echo "$PWD/$1" ;; esac; }
project=$(cd "$(dirname "$0")/.." && pwd)
backup=$(absolute "$1") keys=$(absolute "$2") anchors=${3:+$(absolute "$3")}
python=${PYTHON:-$project/.venv/bin/python}

drill=$(mktemp -d)
trap 'rm -rf "$drill"' EXIT INT TERM
umask 077
cp "$keys" "$drill/keys"
cd "$drill"  # so that no .env is read

# Nothing of the installation: above all not its token and its database.
for name in $(env | sed -n 's/^\(CURBSIDE_[A-Z_]*\)=.*/\1/p'); do unset "$name"; done
CURBSIDE_DATA_DIR=$drill
CURBSIDE_DATABASE_URL=${DRILL_DATABASE_URL:-sqlite:///$drill/curbside.db}
export CURBSIDE_DATA_DIR CURBSIDE_DATABASE_URL

began=$(date +%s)
echo "1. Restore"
"$python" "$project/run_bot.py" restore "$backup" ${anchors:+--anchors "$anchors"} || {
    echo "FAILED: this backup does not restore, or its log does not verify."; exit 1; }
echo "2. Doctor"
"$python" "$project/run_bot.py" doctor || { echo "FAILED: see the lines that begin with FAIL."; exit 1; }
echo "PASSED in $(($(date +%s) - began)) s. Write down who did it, when, and with which backup."
