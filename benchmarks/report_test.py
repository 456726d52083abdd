"""Tests of report.py."""
import unittest

import report


class MedianInterval(unittest.TestCase):
    def test_ranks_are_those_of_the_sign_test(self):
        # Conover, "Practical nonparametric statistics", table of confidence limits for the median.
        for count, first, last in ((5, 1, 5), (6, 1, 6), (9, 2, 8), (12, 3, 10), (20, 6, 15)):
            values = list(range(count, 0, -1))
            self.assertEqual(report.median_interval(values), (first, last))


class Ratios(unittest.TestCase):
    def setUp(self):
        self.results = report.Results()

    def note(self, quantity, own, peer):
        for round_number, (a, b) in enumerate(zip(own, peer)):
            self.results.note(quantity, "net", report.OWN, round_number, a)
            self.results.note(quantity, "net", "PyTorch", round_number, b)

    def test_above_one_is_better_whatever_the_quantity(self):
        self.note(report.TRAINING, [200.0], [100.0])
        self.note(report.ONE_IMAGE, [10.0], [20.0])
        for quantity in (report.TRAINING, report.ONE_IMAGE):
            self.assertEqual(self.results.ratios(quantity, "net", "PyTorch"), [2.0])

    def test_a_ratio_is_of_one_round(self):
        self.note(report.TRAINING, [200.0, 100.0], [100.0, 50.0])
        self.results.note(report.TRAINING, "net", report.OWN, 2, 1.0)  # of which the peer has none
        self.assertEqual(self.results.ratios(report.TRAINING, "net", "PyTorch"), [2.0, 2.0])

    def test_a_row_settles_with_six_rounds_and_a_narrow_interval(self):
        own = [100.0, 101, 102, 103, 104, 104.9]
        self.note(report.TRAINING, own[:5], [100.0] * 5)
        self.assertEqual(self.results.unsettled_rows(), {"net"})
        self.note(report.TRAINING, own, [100.0] * 6)
        self.assertEqual(self.results.unsettled_rows(), set())
        self.note(report.INFERENCE, [100, 101, 102, 103, 104, 106], [100.0] * 6)
        self.assertEqual(self.results.unsettled_rows(), {"net"})

    def test_tables_have_medians_ratios_and_intervals(self):
        self.note(report.TRAINING, [200.0, 300, 400], [100.0] * 3)
        self.results.note_share(report.TRAINING, "net", 0.5)
        self.assertEqual(self.results.tables().splitlines()[2],
                         "| net | 300 | 50 % | 100 | 3.00 (2.00 to 4.00)? | 3 |")
        self.assertEqual(self.results.median_ratios(),
                         {report.TRAINING: {"net": {"PyTorch": 3.0}}})


if __name__ == "__main__":
    unittest.main()
