// Opens report pages in Chromium and prints what is wrong with each as JSON.
// node look.mjs CHROMIUM LOOK:PAGE...
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { ARGUMENTS } from "./arguments.mjs";

const [executablePath, ...pages] = process.argv.slice(2);
const axe = readFileSync(new URL("./node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

const LOOKS = {
  narrow: { viewport: { width: 360, height: 800 }, colorScheme: "light", reducedMotion: "reduce" },
  wide: { viewport: { width: 1280, height: 900 }, colorScheme: "light", reducedMotion: "reduce" },
  dark: { viewport: { width: 1280, height: 900 }, colorScheme: "dark", reducedMotion: "reduce" },
};

// A browser of its own for every look, so that one that breaks takes nothing else with it.
async function look(file, name) {
  const browser = await chromium.launch({ executablePath, args: ARGUMENTS, chromiumSandbox: false });
  const context = await browser.newContext(LOOKS[name]);
  const page = await context.newPage();
  const found = { page: file, look: name, console: [], requests: [], violations: [], wide: 0, path: null, folded: null };
  const url = pathToFileURL(file).href;
  page.on("console", (message) => found.console.push(message.text()));
  page.on("pageerror", (error) => found.console.push(String(error)));
  page.on("request", (request) => request.url() !== url && found.requests.push(request.url()));
  await page.goto(url);
  found.wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (name === "wide") found.path = await byKeyboard(page);
  // The page forbids scripts; what the debugger evaluates is not the page's.
  await page.evaluate(axe);
  const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  found.violations = result.violations.map((one) => `${one.id}: ${one.nodes.length} (${one.nodes[0].html.slice(0, 120)})`);
  // Last, because it unfolds things.
  if (name === "wide") found.folded = await unfolding(page);
  await browser.close();
  return found;
}

// What is seen of the place that a link leads to.
function place(id) {
  const found = document.querySelector(id);
  const { top, height } = found.getBoundingClientRect();
  return { target: found.matches(":target"), visible: height > 0 && top < window.innerHeight && top + height > 0, text: found.innerText.slice(0, 200) };
}

// From the first rule with examples to its exchange, which is folded twice: in its history, and by itself.
async function unfolding(page) {
  const link = page.locator('.rules a.evidence[href^="#exchange-"]').first();
  if (!(await link.count())) return null;
  const id = await link.getAttribute("href");
  await link.focus();
  await page.keyboard.press("Enter");
  return page.evaluate(place, id);
}

// From the first violated rule on the first screen to its exchange, with the keyboard alone: how many keys of which kind.
async function byKeyboard(page) {
  for (let tabs = 1; tabs <= 40; tabs++) {
    await page.keyboard.press("Tab");
    const text = await page.evaluate(() => document.activeElement?.matches(".verdict a.evidence") && document.activeElement.getAttribute("href"));
    if (!text) continue;
    await page.keyboard.press("Enter");
    return { tabs, ...(await page.evaluate(place, text)) };
  }
  return null;
}

for (const page of pages) {
  const [name, ...rest] = page.split(":");
  console.log(JSON.stringify(await look(rest.join(":"), name)));
}
