"""Every parser, fed by a fuzzer for ten seconds: no crash, no hang, nothing impossible read."""

import pytest

from tests.fuzz.__main__ import NAMES, main


def test_no_parser_can_be_made_to_fail(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("atheris", reason="atheris has no wheel for this Python or machine")

    code = main(["--seconds", "10"])

    told = capsys.readouterr().out
    print(told)
    assert code == 0, told
    assert told.count("Done ") == len(NAMES)
