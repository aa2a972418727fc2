// How Chromium is started: it is to speak to nobody on its own account.
export const ARGUMENTS = ["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
