// How the HTML page looks: in daylight and in the dark.
#pragma once

#include <string_view>

namespace portguard::tools {

inline constexpr std::string_view html_style = R"(
:root { color-scheme: light dark; --page: #f6f7f9; --card: #fff; --ink: #1d2430; --soft: #5c6675;
  --line: #d8dde5; --code: #eef1f5; --failed: #c62f3b; --denied: #a03a8f; --warned: #9a5b00; --fine: #2b7a4b; --ordered: #6b4fc0; }
@media (prefers-color-scheme: dark) {
  :root { --page: #14181f; --card: #1c222b; --ink: #e4e8ee; --soft: #9aa5b4; --line: #333c48; --code: #262e39;
    --failed: #ef6a73; --denied: #d383c6; --warned: #e0a040; --fine: #5cbf86; --ordered: #a48cf0; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 68rem; padding: 1.5rem 1rem 4rem; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
h1 { margin: 0; font-size: 1.6rem; }
h2 { margin: 0; font-size: 1.1rem; overflow-wrap: anywhere; }
p { margin: .3rem 0; overflow-wrap: anywhere; }
header p, .facts { color: var(--soft); }
.skip { position: absolute; left: -100rem; }
.skip:focus { position: static; }
a:focus-visible, summary:focus-visible, figure:focus-visible { outline: 2px solid var(--ink); }
.origin { font-size: .85rem; }
figure, article { margin: 1.2rem 0 0; padding: 1rem 1.2rem; background: var(--card);
  border: 1px solid var(--line); border-radius: 8px; }
article { border-left: 4px solid var(--mark); }
article:target { outline: 2px solid var(--mark); }
figure { overflow-x: auto; }
svg { display: block; width: 100%; min-width: 40rem; font-size: 13px; }
svg line { stroke: var(--line); }
svg text { fill: var(--ink); }
svg .tick { fill: var(--soft); text-anchor: middle; font-size: 11px; }
svg .times { fill: var(--card); text-anchor: middle; font-size: 10px; font-weight: 700; pointer-events: none; }
svg circle { fill: var(--mark); stroke: var(--card); stroke-width: 2; }
svg a:hover circle, svg a:focus circle { stroke: var(--ink); }
.badge { display: inline-block; padding: 0 .5rem; border-radius: 1rem; background: var(--mark);
  color: var(--card); font-size: .8rem; font-weight: 600; }
.in_use, .exhausted, .unavailable, .privileged, .invalid { --mark: var(--failed); }
.refused { --mark: var(--denied); }
.ephemeral_listener { --mark: var(--warned); }
.cured, .joined { --mark: var(--fine); }
.injected { --mark: var(--ordered); }
table { width: 100%; margin: .8rem 0 0; border-collapse: collapse; }
th, td { padding: .25rem .5rem; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
th { width: 5rem; padding-left: 0; color: var(--soft); font-weight: 500; }
.fight, .cures { border-top: 1px solid var(--line); }
code { padding: .1rem .35rem; border-radius: 4px; background: var(--code);
  font: 13px/1.5 ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; white-space: pre-wrap; }
details { margin-top: .6rem; }
summary { color: var(--soft); cursor: pointer; }
details li { font: 13px/1.6 ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere;
  white-space: pre-wrap; }
)";

} // namespace portguard::tools
