"""The web site in Chromium, from disk: no page is wider than a screen or a phone, light or dark, no
text below 11 pixels, no console message; the search finds what is asked for, and leads there.

    site_browser_test.py SITE [FOLDER FOR SCREENSHOTS]

Exit code 77 says that Chromium or Selenium is not installed, or that there is no site.
"""
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "programs"))
import report_browser_test as browser_test
from report_browser_test import By

PAGES = ["index.html", "docs/normalization.html", "docs/performance.html", "core/tape.h.html",
         "reference.html"]
SEARCH = "header input"


def search(browser, words):
    """The results for `words`, as (title, address)."""
    field = browser.find_element(By.CSS_SELECTOR, SEARCH)
    field.clear()
    field.send_keys(words)
    results = browser.find_element(By.ID, "found")
    for _ in range(100):
        if results.get_attribute("data-query") == words:
            break
        time.sleep(0.1)
    return [(link.find_element(By.TAG_NAME, "b").text, link.get_attribute("href"))
            for link in results.find_elements(By.TAG_NAME, "a")]


def check_widths(browser, site, folder, found):
    """A few pages on a screen and on a phone, every document on a phone."""
    screens = browser_test.SCREENS if folder else browser_test.SCREENS[1:3]
    for width, height, scheme in screens:
        browser_test.set_screen(browser, width, height, scheme)
        for page in PAGES:
            browser.get((site / page).as_uri())
            found += [f"{page}: {width} {scheme}: {sentence}"
                      for sentence in browser.execute_script(browser_test.LOOK)]
            if folder:
                name = page.replace("/", "-").removesuffix(".html")
                browser_test.screenshot(browser, folder / f"{name}-{width}-{scheme}.png")
    browser_test.set_screen(browser, 390, 844, "light")
    documents = sorted([*site.glob("*.html"), *site.glob("docs/*.html"),
                        *site.glob("examples/course/*/README.html")])
    wide = "return document.documentElement.scrollWidth > document.documentElement.clientWidth"
    for page in documents:
        browser.get(page.as_uri())
        if browser.execute_script(wide):
            found.append(f"{page.relative_to(site)} is wider than a phone")


def check_colours(browser, site, found):
    """Dark is dark."""
    colour = "return getComputedStyle(document.body).backgroundColor"
    shades = []
    for scheme in ("light", "dark"):
        browser_test.set_screen(browser, 1400, 900, scheme)
        browser.get((site / "index.html").as_uri())
        shades.append(browser.execute_script(colour))
    if shades[0] == shades[1]:
        found.append(f"the page is {shades[0]}, light and dark")


def check_search(browser, site, folder, found):
    for width, height, scheme in browser_test.SCREENS[1:3]:
        browser_test.set_screen(browser, width, height, scheme)
        browser.get((site / "docs/tensors.html").as_uri())
        results = search(browser, "group norm")
        if folder:
            browser.save_screenshot(str(folder / f"search-{width}-{scheme}.png"))
        if not any("docs/normalization.html" in url for _, url in results):
            found.append(f"'group norm' does not find docs/normalization.html: {results}")
        if not results or results[0][0] != "group_norm":
            found.append(f"'group norm' first finds {results[:1]}")
        found += [f"search: {width} {scheme}: {sentence}"
                  for sentence in browser.execute_script(browser_test.LOOK)]
    browser.find_element(By.CSS_SELECTOR, SEARCH).submit()
    time.sleep(0.3)
    if not browser.current_url.endswith("core/norm/norm.h.html#group_norm"):
        found.append(f"Enter leads to {browser.current_url}")
    if search(browser, "no such words anywhere"):
        found.append("nonsense is found")


def main(site, folder):
    if not site.exists():
        print(f"skipped: there is no site in {site}")
        return 77

    def check(browser, found):
        check_widths(browser, site, folder, found)
        check_colours(browser, site, found)
        check_search(browser, site, folder, found)
    return browser_test.run(check)


if __name__ == "__main__":
    paths = [pathlib.Path(argument).resolve() for argument in sys.argv[1:]]
    if len(paths) > 1:
        paths[1].mkdir(parents=True, exist_ok=True)
    sys.exit(main(paths[0], paths[1] if len(paths) > 1 else None))
