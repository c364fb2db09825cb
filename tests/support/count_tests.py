#!/usr/bin/env python3
"""Reads CTest's JUnit files and says what happened, in the three words of tools/test.

    count_tests.py [--required REGEX] [--skips FILE] JUNIT...

Prints the output of each failed test, appends `name: reason` of each skipped one to --skips, and
ends with one line: `N passed, N failed, N skipped`. A skip whose line REGEX matches is a failure,
and so is a case that printed SKIPPED after one of its checks had failed. A test of several cases that
passed is counted once, and each of its cases that skipped itself once more.
"""
import argparse
import re
import sys
import xml.etree.ElementTree as xml

REASON = re.compile(r"SKIPPED: (.*)")
CATCH_FAILURE = re.compile(r"^\S+:\d+: FAILED:", re.MULTILINE)


def judge_skip(name, reason, required):
    if required and re.search(required, f"{name}: {reason}"):
        return "failed", name, f"this machine has to run it (MAZE_REQUIRED), but it was skipped: {reason}"
    return "skipped", name, reason


def judge(case, required):
    """Yields (verdict, name, text): passed, failed with the output, or skipped with the reason."""
    name, status = case.get("name", "?"), case.get("status", "?")
    output = case.findtext("system-out") or ""
    reasons = [reason.strip() for reason in REASON.findall(output)]
    if status == "run":
        yield "passed", name, ""
        for reason in reasons:
            yield judge_skip(name, reason, required)
        return
    if status == "notrun" and reasons:
        if CATCH_FAILURE.search(output):
            yield "failed", name, f"a check failed, then the case skipped itself\n{output}"
        else:
            yield judge_skip(name, reasons[0], required)
        return
    failure = case.find("failure")
    message = failure.get("message", "") if failure is not None else ""
    yield "failed", name, f"{message or status}\n{output}"


def main():
    parser = argparse.ArgumentParser(description="Counts what CTest's JUnit files tell.")
    parser.add_argument("--required", default="")
    parser.add_argument("--skips")
    parser.add_argument("junit", nargs="+")
    options = parser.parse_args()
    try:
        re.compile(options.required)
    except re.error as error:
        sys.exit(f"MAZE_REQUIRED is not a regular expression: {error}")
    count = {"passed": 0, "failed": 0, "skipped": 0}
    skips = []
    for path in options.junit:
        for case in xml.parse(path).iter("testcase"):
            for verdict, name, text in judge(case, options.required):
                count[verdict] += 1
                if verdict == "failed":
                    print(f"--- FAILED: {name}\n{text.rstrip()}")
                elif verdict == "skipped":
                    skips.append(f"{name}: {text}\n")
    if options.skips:
        with open(options.skips, "a", encoding="utf-8") as file:
            file.writelines(skips)
    print(", ".join(f"{number} {verdict}" for verdict, number in count.items()))


if __name__ == "__main__":
    main()
