//! The page that `watch --listen` serves, in a real browser: Debian's Chromium
//! without a window, spoken to by its DevTools protocol. Skipped, and not
//! quietly, where there is no /usr/bin/chromium.

mod chromium;
mod page;
