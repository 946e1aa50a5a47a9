#!/usr/bin/env python3
"""Opens pages as a person does, in a headless Chromium, and finds fault with them.

    tests/browser/check.py [--needs hover,sort,cells,pair] [--shots DIR] [--make PROGRAM] PAGE...
A page from file:// may say nothing on the console, ask for nothing but itself, execute nothing that
was written into it, and break no rule of its own security policy. Each PAGE is also looked at in
four widths, light and dark: nothing sticks out or is cut off, no word of a table is torn, all text has
contrast, all figures and buttons have names; curves tell values, tables sort, cells of a confusion
matrix show pictures. --needs: what has to be there; --make: PROGRAM writes more pages into the folder
that it is given, those below hostile-* full of payloads, which have to stay harmless; --shots:
pictures of the pages for people to look at.
Ends with 1 when there is a fault, 77 without Chromium."""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import chromium

WIDTHS = (380, 800, 1200, 1300)
NAMED = {"image", "img", "graphics-document", "button", "link", "checkbox", "radio", "textbox",
         "searchbox", "combobox", "progressbar", "navigation", "region"}
INPAGE = pathlib.Path(__file__).with_name("inpage.js").read_text(encoding="utf-8")
# Before anything of the page: what an attack would call, and what the policy refused.
HOOK = """
window.__pwned = 0; window.__refused = [];
for (const f of ['alert', 'confirm', 'prompt', 'print']) window[f] = () => { window.__pwned++; };
addEventListener('securitypolicyviolation', (e) =>
  window.__refused.push(e.violatedDirective + ' ' + (e.blockedURI || e.sample)));
"""


class Page:
    def __init__(self, browser, path):
        self.b, self.path, self.faults, self.done = browser, pathlib.Path(path).resolve(), [], []
        self.words = 0

    def fault(self, text):
        self.faults.append(f"{self.path}: {text}")

    # ---- what happened --------------------------------------------------------

    def events(self):
        for e in self.b.events:
            params, method = e.get("params", {}), e["method"]
            if method == "Runtime.consoleAPICalled":
                self.fault("on the console: " + str([a.get("value") for a in params["args"]]))
            elif method == "Log.entryAdded":
                self.fault("in the log: " + params["entry"]["text"][:200])
            elif method == "Runtime.exceptionThrown":
                details = params["exceptionDetails"]
                self.fault("an exception: " +
                           details.get("exception", {}).get("description", details["text"])[:200])
            elif method == "Page.javascriptDialogOpening":
                self.fault("a dialog: " + params["message"][:80])
            elif method == "Network.requestWillBeSent":
                url = params["request"]["url"]
                if url.split("#")[0] != self.path.as_uri() and not url.startswith("data:"):
                    self.fault("asks for " + url[:120])
            elif method in ("Page.windowOpen", "Page.downloadWillBegin"):
                self.fault(method)
        self.b.events.clear()

    def unharmed(self):
        if self.b.ask("window.__pwned"):
            self.fault("something was executed that was written into it")
        for refused in self.b.ask("window.__refused"):
            self.fault("its policy refused " + refused)
        self.events()

    # ---- looking at it --------------------------------------------------------

    def open(self):
        self.b.open(self.path)
        self.b.send("Page.stopLoading")  # a page that refreshes itself stays
        self.words = self.b.ask("document.querySelector('main').textContent.length")

    def unfold(self):
        self.b.ask("document.querySelectorAll('details').forEach((d) => { d.open = true; })")

    def looks(self):
        self.b.ask(INPAGE)
        height = self.b.ask("document.scrollingElement.scrollHeight")
        for text in self.b.ask("__checks.structure()"):
            self.fault(text)
        for width in WIDTHS:
            self.b.size(width, 900)
            over = self.b.ask("__checks.overflow()")
            if over > 0:
                self.fault(f"is {over} pixels too wide at {width}: {self.b.ask('__checks.sticksOut()')}")
            for text in self.b.ask(f"__checks.cutOff({str(width >= 1200).lower()})") + \
                    self.b.ask("__checks.torn()") + self.b.ask("__checks.fills()"):
                self.fault(f"at {width}: {text}")
        self.b.size(1300, min(int(height) + 4000, 30000))  # all in sight, for what lies behind texts
        for scheme in ("light", "dark"):
            self.b.scheme(scheme)
            faults = self.b.ask("__checks.contrast()")
            for text in faults[:10]:
                self.fault(f"contrast, {scheme}: {text}")
        self.b.scheme("light")
        self.b.size(1300, 900)
        for node in self.b.send("Accessibility.getFullAXTree")["nodes"]:
            role = node.get("role", {}).get("value")
            if role in NAMED and not node["ignored"] and not node.get("name", {}).get("value", "").strip():
                self.fault(f"a {role} without a name")

    def shoot(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        stem = folder / f"{self.path.parent.name}-{self.path.stem}"
        for width in WIDTHS:
            self.b.size(width, 900)
            for scheme in ("light", "dark"):
                self.b.scheme(scheme)
                self.b.picture(f"{stem}-{width}-{scheme}.png", whole=True)
        self.b.scheme("light")
        self.b.paper(f"{stem}.pdf")

    # ---- using it -------------------------------------------------------------

    def middle(self, script):
        """Where the middle of an element is, scrolled into sight; None: there is none."""
        return self.b.ask("(() => { const e = %s; if (!e) return null;"
                          "e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect();"
                          "return [r.x + r.width / 2, r.y + r.height / 2]; })()" % script)

    def hover(self):
        at = self.middle("document.querySelector('svg[data-chart=lines][tabindex]')")
        if not at:
            return
        readout = ("[...document.querySelectorAll('.readout')].filter((e) => !e.hidden)"
                   ".map((e) => e.innerText).join('')")
        self.b.mouse("mouseMoved", *at)
        first = self.b.ask(readout)
        if not any(c.isdigit() for c in first):
            self.fault(f"no values under the pointer on a curve: {first!r}")
        self.b.mouse("mouseMoved", 2, 2)
        if self.b.ask(readout):
            self.fault("values stay when the pointer has left")
        self.b.ask("document.querySelector('svg[data-chart=lines][tabindex]').focus()")
        self.b.key("ArrowRight")
        first = self.b.ask(readout)
        self.b.key("ArrowRight")
        if not first or first == self.b.ask(readout) and \
                self.b.ask("document.querySelector('svg[data-chart=lines][tabindex]').closest('figure')"
                           ".querySelectorAll('table.numbers tbody tr').length > 1"):
            self.fault("the arrow keys do not read values from a curve")
        self.b.key("Escape")
        self.done.append("hover")

    def sort(self):
        column = ("[...document.querySelector('table.sortable').tBodies[0].rows]"
                  ".map((r) => parseFloat((r.cells[1].dataset.v || r.cells[1].textContent)"
                  ".replace(/,/g, ''))).filter((v) => !isNaN(v))")
        button = "(document.querySelectorAll('table.sortable th button')[1])"
        if not self.b.ask(f"!!{button}"):
            return
        values = []
        for order in ("descending", "ascending"):
            self.b.click(*self.middle(button))
            said = self.b.ask(f"{button}.closest('th').getAttribute('aria-sort')")
            values.append((said, self.b.ask(column)))
        for said, v in values:
            if said not in ("ascending", "descending") or v != sorted(v, reverse=said == "descending"):
                self.fault(f"a table is not {said} after a click: {v[:8]}")
        if values[0][0] == values[1][0]:
            self.fault("a second click does not turn the order")
        self.done.append("sort")

    def cells(self):
        live = "document.querySelectorAll('[data-true].live')"
        if not self.b.ask(f"{live}.length"):
            return
        tiles = "document.querySelectorAll('#cell .t').length"
        self.b.click(*self.middle(f"{live}[0]"))
        if not self.b.ask(tiles):
            self.fault("a cell that was chosen shows no pictures")
        self.b.key("Escape")
        first = self.b.ask("document.querySelector('#cell').innerHTML")
        self.b.ask(f"{live}[{live}.length - 1].focus()")
        self.b.key("Enter")
        if not self.b.ask(tiles) or first == self.b.ask("document.querySelector('#cell').innerHTML"):
            self.fault("Enter on a cell does not show its pictures")
        self.done.append("cells")

    def pair(self):
        """Two runs of a list, side by side; one of them filtered away again."""
        ticks = "document.querySelectorAll('#runs tbody input')"
        if self.b.ask(f"{ticks}.length") < 2:
            return
        for i in (0, 1):
            self.b.click(*self.middle(f"{ticks}[{i}]"))
        said = self.b.ask("document.querySelector('#pair').innerText")
        if "Results" not in said or "runner compare" not in said:
            self.fault(f"two runs that were ticked are not shown side by side: {said[:80]!r}")
        self.b.ask("(() => { const w = document.querySelector('#words'); w.value = 'no such words';"
                   "w.dispatchEvent(new Event('input')); })()")
        if self.b.ask("document.querySelectorAll('#runs tbody tr:not([hidden])').length"):
            self.fault("words that no run has leave runs in the list")
        self.b.ask("(() => { const w = document.querySelector('#words'); w.value = '';"
                   "w.dispatchEvent(new Event('input')); })()")
        failed = self.b.ask("(() => { const s = document.querySelector('#status');"
                            "s.selectedIndex = s.options.length - 1; s.dispatchEvent(new Event('change'));"
                            "const rows = [...document.querySelectorAll('#runs tbody tr:not([hidden])')];"
                            "const of = [s.value, rows.length, rows.every((r) => r.cells[2].innerText.includes(s.value))];"
                            "s.value = ''; s.dispatchEvent(new Event('change')); return of; })()")
        if failed[0] and not (failed[1] and failed[2]):
            self.fault(f"a status that is chosen does not filter: {failed}")
        self.b.ask("document.querySelector('#pair button').click()")
        if self.b.ask(f"[...{ticks}].some((t) => t.checked) || document.querySelector('#pair').innerText"):
            self.fault("two runs side by side do not close")
        self.done.append("pair")

    def use(self):
        self.hover()
        self.sort()
        self.cells()
        self.pair()

    def poke(self):
        """All that a reader may touch, at once and without looking at the answers."""
        self.b.ask("""(() => {
            const each = (what, f) => document.querySelectorAll(what).forEach(f);
            each('svg', (e) => e.dispatchEvent(new PointerEvent('pointermove', {clientX: 200})));
            each('th button, [data-true], input, summary', (e) =>
              e.dispatchEvent(new MouseEvent('click', {bubbles: true})));
            each('a, svg, [tabindex]', (e) => e.focus && e.focus());
        })()""")

    def without_script(self):
        with_it = self.words
        self.b.send("Emulation.setScriptExecutionDisabled", value=True)
        self.open()
        if self.words < 0.9 * with_it:
            self.fault("without its script a tenth of the page is missing")
        self.b.send("Emulation.setScriptExecutionDisabled", value=False)
        self.events()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("pages", nargs="*")
    parser.add_argument("--make")
    parser.add_argument("--needs", default="")
    parser.add_argument("--shots", type=pathlib.Path)
    options = parser.parse_args()
    if not chromium.found():
        print("no chromium here: skipped")
        return 77
    with tempfile.TemporaryDirectory(prefix="pages-") as folder, chromium.Chromium() as browser:
        if options.make:
            subprocess.run([options.make, folder], check=True)
        made = sorted(pathlib.Path(folder).glob("**/*.html"))
        hostile = [p for p in made if "hostile-" in str(p)]
        pages = [*options.pages, *(p for p in made if p not in hostile)]
        faults = look(browser, pages, hostile, options)
    print("\n".join(faults) or "nothing to say")
    return bool(faults)


def look(browser, pages, hostile, options):
    faults, done = [], set()
    browser.send("Page.addScriptToEvaluateOnNewDocument", source=HOOK)
    for path in pages:
        page = Page(browser, path)
        browser.size(1300, 900)
        page.open()
        if options.shots:
            page.shoot(options.shots)
        page.unfold()
        page.looks()
        page.use()
        page.unharmed()
        page.without_script()
        print(f"{path}: {len(page.faults)} faults; used: {', '.join(page.done) or 'nothing'}")
        faults += page.faults
        done.update(page.done)
    for path in hostile:
        page = Page(browser, path)
        page.open()
        page.unfold()
        page.poke()
        page.unharmed()
        faults += page.faults
    print(f"{len(hostile)} hostile pages")
    return faults + [f"none of the pages has: {need}" for need in options.needs.split(",")
                     if need and need not in done]


sys.exit(main())
