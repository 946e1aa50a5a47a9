"""What a row of the table is, what measures it, and what was found."""
import statistics
from dataclasses import dataclass, field
from typing import Callable, Optional


@dataclass(frozen=True)
class Bar:
    """A target for our figure, or for the peer's divided by ours."""
    limit: float
    of: str = "ours"  # or "ratio"
    least: bool = False  # the figure may not be below the limit; else not above it

    def met(self, figure: Optional[float]) -> Optional[bool]:
        if figure is None:
            return None
        return figure >= self.limit if self.least else figure <= self.limit

    def text(self, unit: str) -> str:
        sign = ">=" if self.least else "<="
        return f"{sign} {self.limit:g} {'x' if self.of == 'ratio' else unit}"


@dataclass(frozen=True)
class Row:
    key: str
    title: str
    unit: str
    threads: int
    how: str
    bars: tuple[Bar, ...] = ()
    flop: Optional[Callable] = None  # of the bench: the arithmetic behind the figure
    scale: float = 1  # units in a second, where there is a floor


@dataclass(frozen=True)
class Measure:
    """One run of ours and one of the peer give the figures of one row or of some."""
    rows: tuple[Row, ...]
    ours: Callable  # of the bench: {key of a row: figure}
    peer: Optional[Callable] = None  # of the bench and a number of threads: the same
    rounds_most: int = 99


@dataclass
class Result:
    """All that was measured for a row, in the order of time."""
    row: Row
    ours: list = field(default_factory=list)
    peer: dict = field(default_factory=dict)  # threads: figures
    peer_threads: Optional[int] = None  # those that the peer was fastest with
    notes: list = field(default_factory=list)
    floor: Optional[float] = None
    judged: bool = True

    @property
    def figure(self) -> Optional[float]:
        return statistics.median(self.ours) if self.ours else None

    @property
    def peer_figure(self) -> Optional[float]:
        seen = self.peer.get(self.peer_threads)
        return statistics.median(seen) if seen else None

    @property
    def ratio(self) -> Optional[float]:
        return self.peer_figure / self.figure if self.peer_figure and self.figure else None

    @property
    def above_floor(self) -> Optional[float]:
        return self.figure / self.floor if self.figure and self.floor else None

    def met(self, bar: Bar) -> Optional[bool]:
        return bar.met(self.ratio if bar.of == "ratio" else self.figure) if self.judged else None

    def impossible(self, bar: Bar) -> bool:
        """Whether the arithmetic alone takes longer on this machine."""
        return bar.of == "ours" and not bar.least and bool(self.floor) and bar.limit < self.floor

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)
