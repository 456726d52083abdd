"""Statistics and tables of compare.py. The standard library only."""
import math
from collections import defaultdict
from statistics import median

OWN = "Gradus"
SETTLED_WIDTH = 0.05  # of the interval, as a share of the ratio
SETTLED_ROUNDS = 6  # the fewest that give an interval of 95 %

# Quantities, in the order of the tables, and whether more is better; None: not compared.
TRAINING = "training, images/s"
INFERENCE = "inference, images/s"
ONE_IMAGE = "inference of one image, us"
LAYERS = "forward + backward, ms"
BUSY = "training of basic beside a process that keeps a processor busy, images/s"
FIRST_STEP = "process start to end of first step, ms"
MEMORY = "peak memory, MiB"
RECIPE = "recipe fast, process start to end, s"
ERROR = "recipe fast, test error in %"
LOSS = "mean loss of the first ten steps"
QUANTITIES = {TRAINING: True, INFERENCE: True, ONE_IMAGE: False, LAYERS: False, BUSY: True,
              FIRST_STEP: False, MEMORY: False, RECIPE: False, ERROR: None, LOSS: None}
# Their intervals count: those of the others need not settle.
SETTLING = (TRAINING, INFERENCE, ONE_IMAGE, LAYERS, BUSY, RECIPE)


def median_interval(values, confidence=0.95):
    """The order statistics between which the median of the distribution lies with at least this
    probability, whatever the distribution; the extremes if there are too few values."""
    values, n = sorted(values), len(values)
    outside = 2 * 0.5**n  # the probability that the median lies beyond values[first] or its mirror
    first = 0
    while (outside := outside + 2 * math.comb(n, first + 1) * 0.5**n) <= 1 - confidence:
        first += 1
    return values[first], values[n - 1 - first]


class Results:
    """Values by quantity, row, framework and round."""

    def __init__(self):
        self.values = defaultdict(lambda: defaultdict(lambda: defaultdict(dict)))
        self.shares = defaultdict(lambda: defaultdict(list))

    def note(self, quantity, row, framework, round_number, value):
        self.values[quantity][row][framework][round_number] = value

    def note_share(self, quantity, row, share):
        """What share of the machine's limit Gradus reaches."""
        self.shares[quantity][row].append(share)

    def ratios(self, quantity, row, peer):
        """How many times as good as the peer Gradus is, in each round that has both."""
        own, other = (self.values[quantity][row].get(name, {}) for name in (OWN, peer))
        more_is_better = QUANTITIES[quantity]
        if more_is_better is None:
            return []
        return [own[r] / other[r] if more_is_better else other[r] / own[r]
                for r in own if r in other]

    def peers(self, quantity):
        rows = self.values[quantity].values()
        return [name for name in ("PyTorch", "oneDNN", "ONNX Runtime")
                if any(name in row for row in rows)]

    def is_settled(self, quantity, row):
        if quantity not in SETTLING:
            return True
        for peer in self.peers(quantity):
            ratios = self.ratios(quantity, row, peer)
            if not ratios:
                continue
            low, high = median_interval(ratios)
            if len(ratios) < SETTLED_ROUNDS or high - low > SETTLED_WIDTH * median(ratios):
                return False
        return True

    def unsettled_rows(self):
        return {row for quantity, rows in self.values.items() for row in rows
                if not self.is_settled(quantity, row)}

    def median_ratios(self):
        """By quantity, row and peer."""
        result = {}
        for quantity in filter(self.values.__contains__, QUANTITIES):
            for row in self.values[quantity]:
                ratios = {peer: self.ratios(quantity, row, peer) for peer in self.peers(quantity)}
                ratios = {p: float(f"{median(r):.3g}") for p, r in ratios.items() if r}
                if ratios:
                    result.setdefault(quantity, {})[row] = ratios
        return result

    # --- Tables ---

    def cells(self, quantity, row):
        by_framework = self.values[quantity][row]

        def shown(framework):
            values = list(by_framework.get(framework, {}).values())
            return number(median(values)) if values else ""

        cells = [row, shown(OWN)]
        if self.shares[quantity]:
            shares = self.shares[quantity][row]
            cells.append(f"{100 * median(shares):.0f} %" if shares else "")
        for peer in self.peers(quantity):
            ratios = self.ratios(quantity, row, peer)
            cells.append(shown(peer))
            if QUANTITIES[quantity] is not None:
                cells.append(with_interval(ratios) if ratios else "")
        rounds = max((len(values) for values in by_framework.values()), default=0)
        return cells + [str(rounds)]

    def table(self, quantity):
        header = [quantity, OWN]
        if self.shares[quantity]:
            header.append("of limit")
        for peer in self.peers(quantity):
            header += [peer] if QUANTITIES[quantity] is None else [peer, "times"]
        lines = [header + ["rounds"], ["---"] + ["---:"] * len(header)]
        lines += [self.cells(quantity, row) for row in self.values[quantity]]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)

    def tables(self):
        return "\n\n".join(self.table(q) for q in QUANTITIES if self.values.get(q))


def number(x):
    return f"{x:.0f}" if x >= 100 else f"{x:.3g}"


def with_interval(ratios):
    """The median, and its interval; "?" follows if there are too few for one of 95 %."""
    low, high = median_interval(ratios)
    mark = "?" if len(ratios) < SETTLED_ROUNDS else ""
    return f"{median(ratios):.2f} ({low:.2f} to {high:.2f}){mark}"
