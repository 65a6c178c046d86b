"""The benchmark: how fast the server is, next to others and to the least that is possible.

    python tests/benchmark/run.py            a few minutes
    python tests/benchmark/run.py --quick    under a minute, and less exact

What counts are ratios. Contenders are measured in turn, round by round, so that they meet the
same machine in the same minute; figures of different runs or machines compare badly. It starts
every contender itself, talks to 127.0.0.1 only, and ends everything that it started.

Linux only: it reads /proc and counts with epoll. For more contenders: apt-get install ngircd,
pip install miniircd.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from pathlib import Path

from chart import bar_chart
from contenders import PROJECT, ContenderError
from measures import FULL, MEASURES, QUICK, Bench
from report import Report, busy_seconds, machine, own_seconds


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Measure the chat server next to others, on this machine, in a few minutes.",
        epilog=f"Measurements: {', '.join(MEASURES)}.",
    )
    parser.add_argument("--quick", action="store_true", help="take less than a minute")
    parser.add_argument(
        "--only",
        type=lambda names: names.split(","),
        default=list(MEASURES),
        metavar="NAME,…",
        help="measure only these",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw a bar chart there")
    parser.add_argument(
        "--project",
        type=Path,
        default=PROJECT,
        metavar="DIR",
        help="where chat_server.py and chat_client.py are (default: this project)",
    )
    options = parser.parse_args()
    if unknown := set(options.only) - set(MEASURES):
        parser.error(f"no such measurement: {', '.join(sorted(unknown))}")
    return options


def take(bench: Bench, name: str) -> None:
    """Take one measurement; what cannot be measured leaves a remark in its place."""
    try:
        MEASURES[name](bench)
    except ContenderError as error:
        bench.report.remark(f"{name}: {error}")


def main() -> int:
    options = parse_arguments()
    if sys.platform != "linux":
        print("The benchmark needs Linux: it reads /proc and counts with epoll.", file=sys.stderr)
        return 1
    # Whatever ends this program ends what it started, on the way out of the with blocks.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    started, busy = time.monotonic(), busy_seconds()
    bench = Bench(QUICK if options.quick else FULL, options.project.resolve(), Report(machine()))
    try:
        for name in options.only:
            take(bench, name)
    except KeyboardInterrupt:
        print("\nStopped; nothing is left running.", file=sys.stderr)
        return 130
    elapsed = time.monotonic() - started
    others = (busy_seconds() - busy - own_seconds()) / elapsed
    uncertain = ": uncertain figures, repeat them when nothing else runs" if others > 0.1 else ""
    bench.report.remark(
        f"{elapsed:.0f} seconds, in which other programs used {others:.0%} of a core{uncertain}"
    )
    print("\n".join(bench.report.lines()))
    if options.json:
        options.json.write_text(json.dumps(bench.report.as_json(), indent=1, ensure_ascii=False))
    if options.svg:
        options.svg.write_text(bar_chart("Chat server", bench.report.machine, bench.report.series))
    return 0


if __name__ == "__main__":
    sys.exit(main())
