// Takes the pictures of the pages: node pictures.mjs CHROMIUM FILE:SELECTOR:WIDTH:HEIGHT:OUT...
// The picture begins where the first element that the selector finds begins; it is unfolded first. Height 0 is as high as it is.
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { ARGUMENTS } from "./arguments.mjs";

const [executablePath, ...jobs] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: ARGUMENTS, chromiumSandbox: false });
for (const job of jobs) {
  const [file, selector, width, height, out] = job.split(":");
  const page = await browser.newPage({ viewport: { width: Number(width), height: 1000 }, colorScheme: "light", reducedMotion: "reduce" });
  await page.goto(pathToFileURL(file).href);
  const box = await page.evaluate((wanted) => {
    const one = document.querySelector(wanted);
    one.querySelector(".statement > details")?.setAttribute("open", "");
    const { top, height } = one.getBoundingClientRect();
    return { y: Math.max(top + window.scrollY - 12, 0), height: height + 14 };
  }, selector);
  await page.screenshot({ path: out, fullPage: true, clip: { x: 0, y: box.y, width: Number(width), height: Number(height) || box.height } });
  await page.close();
}
await browser.close();
