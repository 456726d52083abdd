#!/usr/bin/env python3
"""The work of compare.sh, which says what it does and explains the options."""
import argparse
import contextlib
import datetime
import functools
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import report

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / "build/release/bin"
ONNX_FOLDER = ROOT / "build/onnxruntime"
ONNX_PACKAGE = "onnxruntime-node@1.30"
BATCH_SIZE = 64
# What keeps each library off AVX-512; OpenBLAS is used by Gradus and PyTorch.
ISA_VARIABLES = {"avx2": {"GRADUS_ISA": "avx2", "ATEN_CPU_CAPABILITY": "avx2",
                          "DNNL_MAX_CPU_ISA": "AVX2", "OPENBLAS_CORETYPE": "Haswell"}}


def parse_options():
    parser = argparse.ArgumentParser(prog="compare.sh")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--isa", choices=ISA_VARIABLES)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", type=re.compile, default=re.compile(""))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--no-build", action="store_true")
    options = parser.parse_args()
    options.rounds = options.rounds or (2 if options.quick else 20)
    options.net_seconds, options.layer_seconds = (1, 0.1) if options.quick else (3, 0.5)
    return options


# --- Preparation ---

def in_project(command):
    """Runs a line of bash with the functions of scripts/common.sh."""
    script = f"set -e; source '{ROOT}/scripts/common.sh'; {command}"
    subprocess.run(["bash", "-c", script], check=True, stdout=sys.stderr)


def install_onnx_runtime():
    if (ONNX_FOLDER / "node_modules/onnxruntime-node").exists():
        return
    ONNX_FOLDER.mkdir(parents=True, exist_ok=True)
    # The package has the library for processors; its scripts would download others.
    subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix",
                    ONNX_FOLDER, ONNX_PACKAGE], check=True, stdout=sys.stderr,
                   env=os.environ | {"ONNXRUNTIME_NODE_INSTALL": "skip"})


def write_onnx_nets(nets):
    subprocess.run([ROOT / "tests/interchange/run_python.sh", "onnx",
                    ROOT / "benchmarks/peers/onnx_nets.py", ONNX_FOLDER / "nets"],
                   check=True, text=True, input=json.dumps(nets))


def name_missing_programs():
    for program in ("torch_train", "torch_layers", "torch_recipe", "onednn_layers"):
        if not (BIN / program).exists():
            print(f"Going on without {program}, which is not built", file=sys.stderr)


def prepare(options):
    """Installs and builds; returns the nets by name, and whether ONNX Runtime is there."""
    if not options.no_build:
        in_project("install_dependencies --peers")
        in_project("build_preset release bench_train bench_layers bench_peers" +
                   (" mnist" if options.data else ""))
    name_missing_programs()
    nets = json.loads(subprocess.run([BIN / "bench_train", "--print-nets"], check=True,
                                     capture_output=True).stdout)
    if options.isa:
        return nets, False
    try:
        if not options.no_build:
            install_onnx_runtime()
        elif not ONNX_FOLDER.exists():
            raise OSError("it is not installed, and --no-build was given")
        write_onnx_nets(nets)
        return nets, True
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"Going on without ONNX Runtime: {error}", file=sys.stderr)
        return nets, False


# --- Measuring ---

class Comparison:
    def __init__(self, options, nets, has_onnx):
        self.options, self.has_onnx = options, has_onnx
        self.nets = [name for name in nets if options.only.search(name)]
        self.convolutional = {name for name, parts in nets.items() if "Conv" in json.dumps(parts)}
        self.results = report.Results()
        self.round = 0
        self.instruction_set = self.run(BIN / "bench_train", "--net", "mlp", "--seconds", 0.01,
                                        "--json")["instruction_set"]

    def run(self, *command, variables=None):
        """Runs a program and returns the object on its last line."""
        environment = os.environ | ISA_VARIABLES.get(self.options.isa, {}) | (variables or {})
        done = subprocess.run([str(c) for c in command], env=environment, check=False, text=True,
                              capture_output=True)
        if done.returncode != 0:
            raise SystemExit(f"{command[0]} failed: {done.stderr}")
        return json.loads(done.stdout.splitlines()[-1])

    def run_torch(self, *command):
        """PyTorch at its best. The OpenBLAS built with OpenMP uses PyTorch's own threads; the other one has
        more, also where one was asked for, and both kinds wait busily on the same processors, up to
        twice as slow. Of a processor that it does not know, OpenBLAS uses the AVX2 kernels."""
        folders = [str(path) for path in Path("/usr/lib").glob("*/openblas-openmp")]
        variables = ({"LD_LIBRARY_PATH": ":".join(folders)} if folders
                     else {"OPENBLAS_NUM_THREADS": "1"})
        if not self.options.isa and "avx512dq" in Path("/proc/cpuinfo").read_text():
            variables["OPENBLAS_CORETYPE"] = "SkylakeX"
        return self.run(*command, variables=variables)

    def note(self, quantity, row, framework, value):
        self.results.note(quantity, row, framework, self.round, value)

    def note_inference(self, net, framework, figures):
        self.note(report.INFERENCE, net, framework, figures["infer_images_per_second"])
        self.note(report.ONE_IMAGE, net, framework, 1e6 * figures["infer_one_seconds"])

    def train(self, run, program, net, threads, seconds, *more):
        return run(BIN / program, "--net", net, "--batch-size", BATCH_SIZE, "--threads", threads,
                   "--seconds", seconds, "--json", "--started-at", f"{time.time():.6f}", *more)

    def measure_net(self, net):
        parameters = set()
        for framework, run, program in self.train_programs():
            measure = functools.partial(self.train, run, program, net, self.options.threads,
                                        self.options.net_seconds)
            figures = measure()
            parameters.add(figures["parameters"])
            if framework == "PyTorch" and net in self.convolutional:
                best_of(figures, measure("--channels-last"))
            self.note(report.TRAINING, net, framework, figures["train_images_per_second"])
            self.note_inference(net, framework, figures)
            self.note(report.FIRST_STEP, net, framework, 1e3 * figures["first_step_seconds"])
            self.note(report.MEMORY, net, framework, figures["peak_rss_mib"])
            self.note(report.LOSS, net, framework, figures["first_loss"])
            if framework == report.OWN:
                self.results.note_share(report.TRAINING, net, figures["train_limit_share"])
                self.results.note_share(report.INFERENCE, net, figures["infer_limit_share"])
                self.results.note_share(report.ONE_IMAGE, net, figures["infer_one_limit_share"])
        if len(parameters) > 1:
            raise SystemExit(f"{net} has different numbers of parameters: {sorted(parameters)}")
        if self.has_onnx:
            figures = self.run("node", ROOT / "benchmarks/peers/onnxruntime.js",
                               ONNX_FOLDER / "nets", net, self.options.threads,
                               0.4 * self.options.net_seconds, BATCH_SIZE)
            self.note_inference(net, "ONNX Runtime", figures)

    def measure_layers(self, names):
        """The named layers, or with None all that --only leaves."""
        pattern = self.options.only.pattern if names is None else (
            "^(" + "|".join(map(re.escape, sorted(names))) + ")$")
        for framework, run, program in (("Gradus", self.run, "bench_layers"),
                                        ("PyTorch", self.run_torch, "torch_layers"),
                                        ("oneDNN", self.run, "onednn_layers")):
            if not (BIN / program).exists():
                continue
            layers = run(BIN / program, "--threads", self.options.threads, "--seconds",
                         self.options.layer_seconds, "--filter", pattern, "--json")
            for name, figures in layers.items():
                self.note(report.LAYERS, name, framework, figures["ms"])
                if "limit_share" in figures:
                    self.results.note_share(report.LAYERS, name, figures["limit_share"])

    def measure_busy(self):
        """Two threads, one of which shares its processor with a process that never waits."""
        for niceness in (None, 19, 0):
            load = "an idle machine" if niceness is None else f"a process of nice {niceness}"
            with busy_process(niceness):
                for threads in (1, 2):
                    row = f"busy: {load}, threads: {threads}"
                    for framework, run, program in self.train_programs():
                        figures = self.train(run, program, "basic", threads,
                                             0.5 * self.options.net_seconds)
                        self.note(report.BUSY, row, framework, figures["train_images_per_second"])

    def measure_recipe(self):
        """From the start of the process to its end, by the clock on the wall."""
        for framework, run, program in (("Gradus", self.run, ["mnist", "train", "--json"]),
                                        ("PyTorch", self.run_torch, ["torch_recipe"])):
            if not (BIN / program[0]).exists():
                continue
            start = time.time()
            figures = run(BIN / program[0], *program[1:], "--recipe", "fast", "--data",
                          self.options.data, "--threads", self.options.threads, "--seed",
                          self.round)
            self.note(report.RECIPE, "recipe", framework, time.time() - start)
            self.note(report.ERROR, "recipe", framework, 100 * (1 - figures["test_accuracy"]))

    def train_programs(self):
        programs = (("Gradus", self.run, "bench_train"), ("PyTorch", self.run_torch, "torch_train"))
        return [program for program in programs if (BIN / program[2]).exists()]

    def run_rounds(self):
        pending = None  # the rows to measure; None: all
        while self.round < self.options.rounds and pending != set():
            self.round += 1
            print(f"round {self.round}, at most {self.options.rounds}: "
                  f"{'all' if pending is None else len(pending)} rows", file=sys.stderr)
            for net in self.nets:
                if pending is None or net in pending:
                    self.measure_net(net)
            layers = None if pending is None else {row for row in pending if "/" in row}
            if layers != set():
                self.measure_layers(layers)
            is_busy_pending = pending is None or any(row.startswith("busy") for row in pending)
            if self.options.only.search("busy") and is_busy_pending:
                self.measure_busy()
            if self.options.data and (pending is None or "recipe" in pending):
                self.measure_recipe()
            pending = self.results.unsettled_rows()


def best_of(figures, others):
    """Takes over what is better in the other figures."""
    for key, better in (("train_images_per_second", max), ("infer_images_per_second", max),
                        ("infer_one_seconds", min)):
        figures[key] = better(figures[key], others[key])


@contextlib.contextmanager
def busy_process(niceness):
    """A process that never waits, on the first processor; None: no process."""
    if niceness is None:
        yield
        return
    first = str(min(os.sched_getaffinity(0)))
    process = subprocess.Popen(["taskset", "--cpu-list", first, "nice", "-n", str(niceness),
                                "sh", "-c", "while :; do :; done"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


# --- Results ---

def processor():
    match = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return match[1] if match else "unknown processor"


def record(comparison):
    version = re.search(r"project\(gradus VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text())
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], text=True,
                            stdout=subprocess.PIPE, check=False).stdout.strip()
    line = {"date": datetime.date.today().isoformat(), "version": version[1], "commit": commit,
            "processor": processor(), "isa": comparison.instruction_set,
            "threads": comparison.options.threads, "rounds": comparison.round,
            "ratios": comparison.results.median_ratios()}
    with open(ROOT / "benchmarks/history.jsonl", "a", encoding="utf-8") as history:
        history.write(json.dumps(line) + "\n")


def main():
    options = parse_options()
    comparison = Comparison(options, *prepare(options))
    comparison.run_rounds()
    print(f"Medians on {options.threads} threads, {processor()}, {comparison.instruction_set}, "
          f"{datetime.date.today()}.\n")
    print(comparison.results.tables())
    if options.isa:
        print("\nWithout ONNX Runtime, which chooses its instruction set by itself.")
    if options.record:
        record(comparison)


if __name__ == "__main__":
    main()
