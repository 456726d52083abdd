"""Reports in Chromium, on a wide screen and on a phone, light and dark: nothing overflows, no text
below 11 pixels, no console message, a caption for every figure; hovering, legends and axes work. A
page that is written while its subject lasts tells its age and reloads itself.

    report_browser_test.py PAGE... [FOLDER FOR SCREENSHOTS]

Exit code 77 says that Chromium or Selenium is not installed.
"""
import base64
import pathlib
import re
import shutil
import sys
import time

try:
    from selenium import webdriver
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By
except ImportError:
    webdriver = None

DRIVER, BROWSER = shutil.which("chromedriver"), shutil.which("chromium")
SCREENS = [(1400, 900, "light"), (1400, 900, "dark"), (390, 844, "light"), (390, 844, "dark")]

# Everything of a page that is out of bounds, too small or without a caption, as sentences.
LOOK = """
const found = [], width = document.documentElement.clientWidth;
const name = node => node.tagName + "." + (node.getAttribute("class") || "") + " " +
  JSON.stringify((node.textContent || "").trim().slice(0, 40)) + " in #" +
  ((node.closest("figure, section, nav") || {}).id || "");
const visible = node => node.getClientRects().length > 0;
if (document.documentElement.scrollWidth > width) found.push("the page is wider than the screen");
for (const node of document.querySelectorAll("body *")) {
  if (!visible(node) || node.closest(".scroll")) continue;
  const box = node.getBoundingClientRect();
  if (box.right > width + 0.5 || box.left < -0.5) found.push("beyond the screen: " + name(node));
}
for (const svg of document.querySelectorAll("svg.chart")) {
  if (!visible(svg)) continue;
  const bounds = svg.getBoundingClientRect();
  const texts = [...svg.querySelectorAll("text")].filter(visible);
  const boxes = texts.map(text => text.getBoundingClientRect());
  texts.forEach((text, i) => {
    const box = boxes[i];
    if (box.left < bounds.left - 1 || box.right > bounds.right + 1 || box.top < bounds.top - 1 ||
        box.bottom > bounds.bottom + 1) found.push("beyond its picture: " + name(text));
    for (let k = 0; k < i; ++k) {
      const other = boxes[k], slack = 1.5;
      if (box.left + slack < other.right && other.left + slack < box.right &&
          box.top + 2 * slack < other.bottom && other.top + 2 * slack < box.bottom) {
        found.push("on top of each other: " + name(text) + " and " + name(texts[k]));
      }
    }
    const size = parseFloat(getComputedStyle(text).fontSize) * bounds.width / svg.viewBox.baseVal.width;
    if (size < 11) found.push(`text of ${size.toFixed(1)} px: ` + name(text));
  });
}
for (const node of document.querySelectorAll("body *:not(svg *)")) {
  if (![...node.childNodes].some(child => child.nodeType === 3 && child.data.trim())) continue;
  const size = parseFloat(getComputedStyle(node).fontSize);
  if (visible(node) && size < 11) found.push(`text of ${size} px: ` + name(node));
}
for (const figure of document.querySelectorAll("figure")) {
  const caption = figure.querySelector("figcaption .see");
  if (!caption || !caption.textContent.trim()) found.push("no caption: #" + figure.id);
}
const ids = [...document.querySelectorAll("[id]")].map(node => node.id);
for (const id of new Set(ids)) if (ids.filter(other => other === id).length > 1) found.push("twice: #" + id);
for (const link of document.querySelectorAll("a[href^='#']")) {
  if (!document.getElementById(link.hash.slice(1))) found.push("leads nowhere: " + link.hash);
}
return found;
"""


def start():
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                     "--disable-dev-shm-usage", "--force-device-scale-factor=1"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    try:
        from selenium.webdriver.chrome.service import Service
        return webdriver.Chrome(service=Service(DRIVER), options=options)
    except TypeError:
        return webdriver.Chrome(executable_path=DRIVER, options=options)


def set_screen(browser, width, height, scheme):
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {
        "features": [{"name": "prefers-color-scheme", "value": scheme}]})


def screenshot(browser, path):
    size = browser.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
    shot = browser.execute_cdp_cmd("Page.captureScreenshot", {
        "captureBeyondViewport": True,
        "clip": {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}})
    path.write_bytes(base64.b64decode(shot["data"]))


def check_script(browser, found):
    """Hovering shows values, a click hides a series, a button changes an axis."""
    def first(selector):
        nodes = browser.find_elements(By.CSS_SELECTOR, selector)
        return nodes[0] if nodes else None

    chart = first("figure .chart[tabindex]")
    if chart:
        browser.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", chart)
        ActionChains(browser).move_to_element(chart).perform()
        if not first("#tip").is_displayed() or not first("#tip td"):
            found.append("hovering over a chart shows no values")
        ActionChains(browser).move_to_element(first("h1")).perform()
    button = first(".legend button")
    if button:
        name = button.get_attribute("data-series")
        count = "return document.querySelectorAll(`.chart g[data-series='${arguments[0]}'].off`).length"
        before = browser.execute_script(count, name)
        browser.execute_script("arguments[0].click()", button)
        if browser.execute_script(count, name) <= before:
            found.append(f"a click on {name!r} in the legend hides nothing")
        browser.execute_script("arguments[0].click()", button)
        if browser.execute_script(count, name) != before:
            found.append(f"a second click on {name!r} does not bring it back")
    norm = first("#norms button")
    if norm:
        count = "return new Set([...document.querySelectorAll('.chart g.off')].map(g => g.closest('figure').id)).size"
        browser.execute_script("arguments[0].click()", norm)
        if browser.execute_script(count) < 2:
            found.append(f"{norm.text!r} is not hidden in all figures")
        browser.execute_script("arguments[0].click()", norm)
        if browser.execute_script(count) > 0:
            found.append(f"{norm.text!r} does not come back")
    axis = first(".axes button")
    if axis:
        shown = "return [...arguments[0].closest('figure').querySelectorAll('.chart:not([hidden])')].map(c => c.dataset.flip).join()"
        before = browser.execute_script(shown, axis)
        browser.execute_script("arguments[0].click()", axis)
        if browser.execute_script(shown, axis) == before:
            found.append("the button of an axis changes nothing")


def check_live(browser, page, found):
    """A live page says how old it is, reloads itself, keeps what was switched, and ends."""
    text = page.read_text()
    copy = page.with_name("report_live_copy.html")
    stamp = re.search('data-written="[0-9]+"', text).group()

    def write(age, reload=1, live=True):
        new = text.replace(stamp, f'data-written="{int(time.time()) - age}"')
        new = re.sub('data-reload="[0-9]+"', f'data-reload="{reload}"', new)
        if not live:
            new = re.sub('<p id="live".*?</p>', "", new)
        copy.with_suffix(".new").write_text(new)
        copy.with_suffix(".new").replace(copy)  # as a run replaces its page

    def line():
        return browser.execute_script("return (document.querySelector('#live') || {}).textContent")

    def wait_for_reload(what):
        for _ in range(100):
            if not browser.execute_script("return window.isOldPage"):
                return
            time.sleep(0.1)
        found.append("live: no reload " + what)

    write(5, reload=1000)
    browser.get(copy.resolve().as_uri())
    if not re.fullmatch("The run goes on. Written [5-9] s ago.", line()):
        found.append("live: a young page says " + line())
    write(300, reload=1000)
    browser.get(copy.resolve().as_uri())
    if not line().startswith("No news for 5 min: the run may have died."):
        found.append("live: an old page says " + line())
    write(5)
    browser.get(copy.resolve().as_uri())
    browser.execute_script("window.isOldPage = true")
    button = browser.find_element(By.CSS_SELECTOR, ".legend button")
    browser.execute_script("arguments[0].click()", button)
    wait_for_reload("while the run lasts")
    pressed = "return document.querySelector('.legend button').getAttribute('aria-pressed')"
    if browser.execute_script(pressed) != "false":
        found.append("live: what was hidden is shown again after a reload")
    browser.execute_script("window.isOldPage = true")
    write(0, live=False)
    wait_for_reload("at the end of the run")
    if line() is not None:
        found.append("live: the page of a run that has ended says " + line())
    if browser.execute_script(pressed) != "false":
        found.append("live: what was hidden is shown again at the end of the run")
    copy.unlink()


def check_page(browser, page, folder, found):
    for width, height, scheme in SCREENS:
        set_screen(browser, width, height, scheme)
        browser.get(page.resolve().as_uri())
        if folder:
            screenshot(browser, folder / f"{width}-{scheme}.png")
        found += [f"{page.name}: {width} {scheme}: {sentence}" for sentence in browser.execute_script(LOOK)]
    set_screen(browser, *SCREENS[0])
    browser.get(page.resolve().as_uri())
    seconds = browser.execute_script(
        "return performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd / 1000")
    print(f"{page.name}: {page.stat().st_size / 1e6:.2f} MB, opens in {seconds:.2f} s")
    if "report_run" in page.name and seconds > 1:
        found.append(f"{page.name}: opens in {seconds:.2f} s")
    check_script(browser, found)
    if folder:
        pdf = browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True, "printBackground": True})
        (folder / "a4.pdf").write_bytes(base64.b64decode(pdf["data"]))
    if 'id="live"' in page.read_text():
        check_live(browser, page, found)


def run(check):
    """The exit code of a test: check(browser, found) appends to `found` what is wrong."""
    if webdriver is None or not DRIVER or not BROWSER:
        print("skipped: Chromium or Selenium is not installed (Debian: apt-get install chromium "
              "chromium-driver python3-selenium)")
        return 77
    browser = start()
    found = []
    try:
        check(browser, found)
        found += ["console: " + entry["message"] for entry in browser.get_log("browser")]
    finally:
        browser.quit()
    print("\n".join(found) or "nothing to complain about")
    return 1 if found else 0


def main(pages, folder):
    def check(browser, found):
        for page in pages:
            check_page(browser, page, folder, found)
    return run(check)


if __name__ == "__main__":
    paths = [pathlib.Path(argument) for argument in sys.argv[1:]]
    target = paths.pop() if paths[-1].suffix != ".html" else None
    if target:
        target.mkdir(parents=True, exist_ok=True)
    sys.exit(main(paths, target))
