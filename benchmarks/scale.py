#!/usr/bin/env python3
"""How time and memory of training and inference grow with batch, width and depth of a net, and with
threads, and where there are cliffs: points that are 1.3 times above the line through their
neighbours, both axes logarithmic.

    benchmarks/scale.py [--net NAME ...] [--sweep batch|width|depth ...] [--threads N ...]
                        [--program bench_train|torch_train] [--seconds S]

Needs python3 and the program: cmake --build --preset release --target bench_train
"""
import argparse
import json
import math
import subprocess
from pathlib import Path

BIN = Path(__file__).resolve().parent.parent / "build/release/bin"
SWEEPS = {"batch": ("--batch-size", [2**i for i in range(13)]),
          "width": ("--width", [0.25, 0.5, 1, 1.5, 2, 3, 4]),
          "depth": ("--depth", [1, 2, 4, 8, 16])}
CLIFF = 1.3


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--net", nargs="+", default=["basic", "norm-batch"])
    parser.add_argument("--sweep", nargs="+", choices=SWEEPS, default=list(SWEEPS))
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2, 4])
    parser.add_argument("--program", choices=["bench_train", "torch_train"], default="bench_train")
    parser.add_argument("--seconds", type=float, default=0.5, help="of each point")
    return parser.parse_args()


def measure(options, net, threads, option, x):
    """Microseconds per image in training and inference, and MiB."""
    command = [BIN / options.program, "--net", net, "--threads", threads, "--seconds",
               options.seconds, option, x, "--json"]
    done = subprocess.run([str(c) for c in command], check=True, stdout=subprocess.PIPE, text=True)
    figures = json.loads(done.stdout.splitlines()[-1])
    return (1e6 / figures["train_images_per_second"], 1e6 / figures["infer_images_per_second"],
            figures["peak_rss_mib"])


def above_line(xs, ys):
    """How many times each value is the one on the line through its neighbours; 1 at both ends."""
    result = [1.0] * len(xs)
    for i in range(1, len(xs) - 1):
        (x0, x1, x2), (y0, y1, y2) = (map(math.log, values[i - 1:i + 2]) for values in (xs, ys))
        result[i] = math.exp(y1 - y0 - (y2 - y0) * (x1 - x0) / (x2 - x0))
    return result


def print_sweep(options, net, sweep):
    option, xs = SWEEPS[sweep]
    columns, names = [], []
    for threads in options.threads:
        points = [measure(options, net, threads, option, x) for x in xs]
        columns += zip(*points)
        names += [f"{what}, {threads} threads" for what in ("train us", "infer us", "MiB")]
    factors = [above_line(xs, column) for column in columns]
    print(f"\n| {net}, {sweep} | " + " | ".join(names) + " |")
    print("|---|" + "---:|" * len(names))
    for i, x in enumerate(xs):
        cells = [f"{column[i]:.4g}" + (f" cliff {factor[i]:.1f}" if factor[i] > CLIFF else "")
                 for column, factor in zip(columns, factors)]
        print(f"| {x} | " + " | ".join(cells) + " |", flush=True)


def main():
    options = parse_options()
    print("Per image; of batches of 64 unless the rows say more.")
    for net in options.net:
        for sweep in options.sweep:
            print_sweep(options, net, sweep)


if __name__ == "__main__":
    main()
