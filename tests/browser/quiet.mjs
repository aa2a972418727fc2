// Opens pages in one browser, one after the other, unfolds everything, and prints what each did as JSON: it should be nothing.
// node quiet.mjs CHROMIUM PAGE...
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { ARGUMENTS } from "./arguments.mjs";

const [executablePath, ...pages] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: ARGUMENTS, chromiumSandbox: false });

for (const file of pages) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  const found = { page: file, console: [], requests: [], dialogs: 0 };
  const url = pathToFileURL(file).href;
  page.on("console", (message) => found.console.push(message.text()));
  page.on("pageerror", (error) => found.console.push(String(error)));
  page.on("request", (request) => request.url() !== url && found.requests.push(request.url()));
  page.on("dialog", (dialog) => { found.dialogs++; dialog.dismiss(); });
  await page.goto(url);
  // The page forbids scripts; what the debugger evaluates is not the page's.
  const seen = await page.evaluate(() => {
    document.querySelectorAll("details").forEach((one) => { one.open = true; });
    const unseen = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]/gu;
    const text = document.body.textContent;
    return { title: document.title, scripts: document.scripts.length + window.frames.length, unseen: (text.match(unseen) ?? []).length };
  });
  await page.waitForTimeout(20);
  console.log(JSON.stringify({ ...found, ...seen, pages: context.pages().length }));
  await context.close();
}
await browser.close();
