"""A terminal's screen, as far as chatroom_client uses one: what a person would see of the bytes.

    screen = Screen(rows=24, columns=80)
    screen.feed(b"hello\\r\\n")
    screen.lines()        # ["hello"]
    screen.cursor         # (row, column)

It is strict: a control character or a sequence that is not known here is a failure, so that nothing
from the hub can slip through. test_tmux.py compares it with tmux.
"""

import codecs
import re
import unicodedata

from tap import Failure, check

SEQUENCE = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])")
UNFINISHED = re.compile(r"\x1b(\[[?0-9;]*)?$")


def width(char):
    """The columns of a character."""
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


class Row:
    """Cells: a character with what combines with it; None is the second half of a wide one."""

    def __init__(self, columns):
        self.cells = [" "] * columns
        self.wrapped = False  # it goes on in the next row

    def whole(self):
        """All of it."""
        return "".join(cell for cell in self.cells if cell is not None)

    def text(self):
        """Without blanks at the end."""
        return self.whole().rstrip()


class Screen:
    """Rows that scroll up into `history`."""

    def __init__(self, rows=24, columns=80):
        self.rows = rows
        self.columns = columns
        self.history = []
        self.grid = [Row(columns) for _ in range(rows)]
        self.row = 0
        self.column = 0
        self.full = False  # the last column was written: the next character goes to the next row
        self.bells = 0
        self.modes = set()  # private modes that are on
        self.colours = []   # (parameters of CSI m, the text that follows), in order
        self.decoder = codecs.getincrementaldecoder("utf-8")("strict")
        self.pending = ""

    @property
    def cursor(self):
        """(row, column), from 0."""
        return self.row, self.column

    def lines(self):
        """All that was ever shown, and stays: history and rows, without empty rows at the end."""
        texts = [row.text() for row in self.history + self.grid]
        while texts and not texts[-1]:
            texts.pop()
        return texts

    def paragraphs(self):
        """The same, with rows joined that the terminal itself has broken."""
        joined = []
        more = False
        for row in self.history + self.grid:
            text = row.whole() if row.wrapped else row.text()
            if more:
                joined[-1] += text
            else:
                joined.append(text)
            more = row.wrapped
        while joined and not joined[-1]:
            joined.pop()
        return joined

    def bottom(self):
        """The row of the cursor: what is being typed."""
        return self.grid[self.row].text()

    def feed(self, data):
        """Takes what the program wrote."""
        text = self.pending + self.decoder.decode(data)
        self.pending = ""
        at = 0
        while at < len(text):
            if text[at] != "\x1b":
                self.put(text[at])
                at += 1
                continue
            found = SEQUENCE.match(text, at)
            if found:
                self.obey(found.group(1), found.group(2))
                at = found.end()
            else:
                check(UNFINISHED.match(text, at), f"unknown sequence {text[at:at + 20]!r}")
                self.pending = text[at:]
                return

    def put(self, char):
        """One character, or a control."""
        if char == "\r":
            self.column = 0
            self.full = False
        elif char == "\n":
            self.line_feed()
        elif char == "\b":
            self.column = max(0, self.column - 1)
            self.full = False
        elif char == "\a":
            self.bells += 1
        elif ord(char) < 32 or 127 <= ord(char) < 160:
            raise Failure(f"a control character reached the terminal: {char!r}")
        else:
            self.print(char)

    def print(self, char):
        """A character that is seen."""
        if self.colours:
            self.colours[-1][1] += char
        columns = width(char)
        if columns == 0:
            self.combine(char)
            return
        if self.full or self.column + columns > self.columns:
            self.grid[self.row].wrapped = True
            self.column = 0
            self.line_feed()
        if columns > self.columns:
            return
        cells = self.grid[self.row].cells
        cells[self.column] = char
        if columns == 2:
            cells[self.column + 1] = None
        self.column += columns
        self.full = self.column == self.columns
        if self.full:
            self.column -= 1

    def combine(self, char):
        """Puts it on the character before the cursor."""
        cells = self.grid[self.row].cells
        at = self.column if self.full else self.column - 1
        while at > 0 and cells[at] is None:
            at -= 1
        if at >= 0:
            cells[at] += char

    def line_feed(self):
        """Down, or everything up."""
        self.full = False
        if self.row + 1 < self.rows:
            self.row += 1
            return
        self.history.append(self.grid.pop(0))
        self.grid.append(Row(self.columns))

    def obey(self, parameters, final):
        """CSI parameters final."""
        number = int(parameters) if parameters.isdigit() else 1
        if final == "m":
            self.colours.append([parameters, ""])
            return
        self.full = False
        if final in "hl" and parameters.startswith("?"):
            (self.modes.add if final == "h" else self.modes.discard)(int(parameters[1:]))
        elif final == "A":
            self.row = max(0, self.row - number)
        elif final == "B":
            self.row = min(self.rows - 1, self.row + number)
        elif final == "C":
            self.column = min(self.columns - 1, self.column + number)
        elif final == "H":
            row, column = (int(part) for part in (parameters or "1;1").split(";"))
            self.row, self.column = min(row, self.rows) - 1, min(column, self.columns) - 1
        elif final == "K" and not parameters:
            self.erase(self.row, self.column)
        elif final == "J" and parameters == "2":
            for row in range(self.rows):
                self.erase(row, 0)
        else:
            raise Failure(f"unknown sequence CSI {parameters} {final}")

    def erase(self, row, column):
        """A row from a column on."""
        self.grid[row].cells[column:] = [" "] * (self.columns - column)
        self.grid[row].wrapped = False

    def resize(self, rows, columns):
        """Breaks the rows anew, as tmux and most terminals do; the cursor stays on its text."""
        cells, cursor = self.unwrap()
        self.columns = columns
        self.grid = []
        self.row = self.column = 0
        for number, line in enumerate(cells):
            while line and line[-1] == " ":
                line.pop()
            first = len(self.grid)
            self.grid.append(Row(columns))
            for at, cell in enumerate(line):
                if at > 0 and at % columns == 0:
                    self.grid[-1].wrapped = True
                    self.grid.append(Row(columns))
                self.grid[-1].cells[at % columns] = cell
            if number == cursor[0]:
                self.row = first + cursor[1] // columns
                self.column = cursor[1] % columns
        self.rows = rows
        self.fit_rows()

    def unwrap(self):
        """Lines of cells, and where in them the cursor is."""
        lines = []
        cursor = (0, 0)
        more = False
        for number, row in enumerate(self.grid):
            if not more:
                lines.append([])
            if number == self.row:
                cursor = (len(lines) - 1, len(lines[-1]) + self.column)
            lines[-1] += row.cells
            more = row.wrapped
        return lines, cursor

    def fit_rows(self):
        """Drops empty rows below, then moves rows above into the history; or adds empty ones."""
        while len(self.grid) > self.rows and len(self.grid) - 1 > self.row \
                and not self.grid[-1].text():
            self.grid.pop()
        while len(self.grid) > self.rows:
            self.history.append(self.grid.pop(0))
            self.row -= 1
        while len(self.grid) < self.rows:
            self.grid.append(Row(self.columns))
