#!/usr/bin/env python3
"""What the function of tools/examples/words/plot.py draws and writes."""
import os
import pathlib
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

ROOT = pathlib.Path(os.environ.get("MAZE_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(ROOT / "tools/examples/words"))
import plot  # noqa: E402

SVG = "{http://www.w3.org/2000/svg}"


def drawn(rows, total=1000, different=10):
    return xml.fromstring(plot.chart(rows, total, different))


def texts(picture):
    return [one.text for one in picture.iter(SVG + "text")]


def bars(picture):
    """Left end and right end of each bar."""
    return [(float(one.get("x")), float(one.get("x")) + float(one.get("width")))
            for one in picture.iter(SVG + "rect") if one.get("x")]


class Plot(unittest.TestCase):
    def test_it_shows_title_axis_words_and_numbers(self):
        shown = texts(drawn([["the", 4000], ["maze", 1500]], 5500, 2))
        for text in ("The 2 most frequent words", "of 5,500 words, 2 of them different", "times found", "0", "1,000",
                     "the", "4,000", "maze", "1,500"):
            self.assertIn(text, shown)

    def test_bars_are_as_long_as_the_words_are_frequent(self):
        lengths = [right - left for left, right in bars(drawn([["a", 900], ["b", 300], ["c", 0]]))]
        self.assertAlmostEqual(lengths[0], 3 * lengths[1], delta=0.2)
        self.assertEqual(lengths[2], 0)

    def test_words_that_mean_something_to_xml_are_words(self):
        self.assertIn("<&\"'>", texts(drawn([["<&\"'>", 3]])))
        self.assertIn("a\ufffdb", texts(drawn([["a\x00b", 3]])))
        self.assertIn("\ufffd", texts(drawn([["\ud800", 3]])))

    def test_long_words_are_cut_and_told_whole_beside(self):
        for word in ("pneumonoultramicroscopicsilicovolcanoconiosis", "W" * 60, "\u65e5" * 60):
            picture = drawn([[word, 10 ** 9]])
            self.assertNotIn(word, texts(picture))
            label = next(text for text in texts(picture) if text.endswith("\u2026"))
            self.assertTrue(word.startswith(label[:-1]))
            self.assertIn(f"{word}: 1,000,000,000", [one.text for one in picture.iter(SVG + "title")])

    def test_nothing_leaves_the_picture(self):
        for most in (1, 7, 999, 10 ** 6, 10 ** 9):
            picture = drawn([["word", most]] * 40)
            for _, right in bars(picture):
                self.assertLess(right, plot.WIDTH - plot.MARGIN)
            for one in picture.iter(SVG + "text"):
                self.assertLess(float(one.get("y")), float(picture.get("height")))
            self.assertLessEqual(most // plot.mark_distance(most), 6)

    def test_no_words_are_a_picture_too(self):
        self.assertIn("no words", texts(drawn([], 0, 0)))
        self.assertEqual(plot.report([], 0, 0), "# Words\n\nno words.\n")

    def test_it_leaves_picture_and_report(self):
        before = os.getcwd()
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            self.addCleanup(os.chdir, before)
            said = plot.draw([["a|b", 3], ["c", 1]], 4, 2)
            self.assertEqual(said, '4 words, 2 different ones; "a|b" is 75.00 % of them')
            report = pathlib.Path("report.md").read_text(encoding="utf-8")
            self.assertIn("| 1 | a\\|b | 3 | 75.00 % |\n| 2 | c | 1 | 25.00 % |\n", report)
            self.assertIn("a|b", texts(xml.parse("words.svg").getroot()))
            os.chdir(before)


if __name__ == "__main__":
    unittest.main()
