"""Draws the most frequent words of a table as words.svg and writes report.md beside it."""
import re
from xml.sax.saxutils import escape

WIDTH = 860
MARGIN = 28
# Room for the words and for the numbers behind the longest bar.
LABELS, NUMBERS = 150, 90
HEAD, ROW, BAR, FOOT = 104, 24, 16, 66
FONT = "system-ui, 'Segoe UI', 'DejaVu Sans', Helvetica, Arial, sans-serif"
# So that no line of the grid crosses a number.
HALO = '<g stroke="#ffffff" stroke-width="5" stroke-linejoin="round" paint-order="stroke">'
INK, PALE, GRID, COLOUR = "#1f2933", "#6b7785", "#e3e8ee", "#2f6fb3"


def draw(rows, total, different):
    """`rows` are pairs of a word and how often it is there, the most frequent first. Returns a sentence."""
    with open("words.svg", "w", encoding="utf-8") as file:
        file.write(chart(rows, total, different))
    with open("report.md", "w", encoding="utf-8") as file:
        file.write(report(rows, total, different))
    return summary(rows, total, different)


def summary(rows, total, different):
    if not rows:
        return "no words"
    word, times = rows[0]
    return f"{total:,} words, {different:,} different ones; \"{word}\" is {share(times, total)} of them"


def share(times, total):
    return f"{100 * times / total:.2f} %"


def report(rows, total, different):
    out = ["# Words", "", summary(rows, total, different) + ".", ""]
    if rows:
        out += ["![The most frequent words](words.svg)", "", "| | word | times | share |", "|--:|:--|--:|--:|"]
    for place, (word, times) in enumerate(rows, 1):
        cell = re.sub(r"([\\|`*_<>&\[\]])", r"\\\1", word)
        out.append(f"| {place} | {cell} | {times:,} | {share(times, total)} |")
    return "\n".join(out).rstrip() + "\n"


def chart(rows, total, different):
    left, right = MARGIN + LABELS, WIDTH - MARGIN - NUMBERS
    bottom = HEAD + ROW * max(len(rows), 1)
    most = max((times for _, times in rows), default=0) or 1
    step = mark_distance(most)
    title = {0: "No words", 1: "The most frequent word"}.get(len(rows), f"The {len(rows)} most frequent words")

    def at(times):
        return left + (right - left) * times / most

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{bottom + FOOT}" '
        f'viewBox="0 0 {WIDTH} {bottom + FOOT}" role="img" font-family="{FONT}" fill="{INK}">',
        f"<title>{title}</title>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        text(MARGIN, 46, title, 24, weight=600),
        text(MARGIN, 72, f"of {total:,} words, {different:,} of them different", 14, fill=PALE),
    ]
    for times in range(0, most + 1, step):
        x = at(times)
        out.append(f'<line x1="{x:.1f}" y1="{HEAD - 6}" x2="{x:.1f}" y2="{bottom + 4}" stroke="{GRID}"/>')
        out.append(text(x, bottom + 22, f"{times:,}", 12, fill=PALE, anchor="middle"))
    for row, (word, times) in enumerate(rows):
        top = HEAD + ROW * row + (ROW - BAR) / 2
        out.append(f"<g><title>{clean(word)}: {times:,}</title>")
        out.append(text(left - 10, top + 13, fitted(word, LABELS - 10, 14), 14, anchor="end"))
        out.append(f'<rect x="{left}" y="{top:g}" width="{at(times) - left:.1f}" height="{BAR}" rx="2" fill="{COLOUR}"/>')
        out.append(HALO + text(at(times) + 8, top + 13, f"{times:,}", 12, fill=PALE) + "</g></g>")
    if not rows:
        out.append(text(left + 10, HEAD + 17, "no words", 14, fill=PALE))
    out.append(f'<line x1="{left}" y1="{HEAD - 6}" x2="{left}" y2="{bottom + 4}" stroke="{PALE}"/>')
    out.append(text((left + right) / 2, bottom + 46, "times found", 13, fill=PALE, anchor="middle"))
    return "\n".join(out) + "\n</svg>\n"


def mark_distance(most):
    """The distance of the axis' marks, a round number such that there are at most seven."""
    step = 1
    while 6 * step < most:
        step = step * 5 // 2 if str(step)[0] == "2" else step * 2
    return step


def text(x, y, words, size, fill=INK, weight=400, anchor="start"):
    return (f'<text x="{x:g}" y="{y:g}" font-size="{size}" font-weight="{weight}" fill="{fill}" '
            f'text-anchor="{anchor}">{clean(words)}</text>')


def clean(words):
    """As XML takes it: it has no place for control characters, escaped or not."""
    return escape(re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", words))


def fitted(word, room, size):
    """`word`, or as much of its beginning as surely fits into `room` pixels."""
    def width(letters):
        return size * sum(0.36 if c in "fijlrtI.,:;!'|" else 1 if c in "mwMW@%\u2026" or c > "\u2e7f" else 0.68
                          for c in letters)
    if width(word) <= room:
        return word
    while word and width(word + "\u2026") > room:
        word = word[:-1]
    return word + "\u2026"
