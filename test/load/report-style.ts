/** The looks of a report, for both modes: colours are named by what they are for. */
export const STYLE = `
:root { color-scheme: light dark; --page: #f9f9f7; --card: #fcfcfb; --ink: #0b0b0b; --ink-2: #52514e; --ink-3: #898781; --line: #e1e0d9;
  --edge: rgba(11,11,11,.1); --axis: #c3c2b7; --blue: #2a78d6; --aqua: #1baf7a; --amber: #eda100; --good: #006300; --bad: #c22f2f; --warn: #b86e00; }
@media (prefers-color-scheme: dark) { :root { --page: #0d0d0d; --card: #1a1a19; --ink: #fff; --ink-2: #c3c2b7; --ink-3: #898781; --line: #2c2c2a;
  --edge: rgba(255,255,255,.1); --axis: #383835; --blue: #3987e5; --aqua: #199e70; --amber: #c98500; --good: #0ca30c; --bad: #e66767; --warn: #fab219; } }
* { box-sizing: border-box }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif }
main { max-width: 1000px; margin: 0 auto; padding: 32px 20px 64px }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; font-weight: 650 }
h2 { font-size: 16px; margin: 36px 0 10px; font-weight: 650 }
p { margin: 0 0 12px; color: var(--ink-2) }
.verdict { display: inline-flex; align-items: center; gap: 8px; font-weight: 650; margin: 14px 0 6px; padding: 6px 14px; border-radius: 999px; border: 1px solid currentColor }
.verdict.good, .good { color: var(--good) } .verdict.bad, .bad { color: var(--bad) }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(158px, 1fr)); gap: 10px; margin: 18px 0 }
.tile, figure, .card { background: var(--card); border: 1px solid var(--edge); border-radius: 10px }
.tile { padding: 10px 14px }
.tile b { display: block; font-size: 25px; line-height: 1.25; font-weight: 600; white-space: nowrap }
.tile span { color: var(--ink-2); font-size: 13px }
figure { margin: 12px 0; padding: 12px 14px 4px; overflow-x: auto }
figcaption { font-weight: 600; font-size: 14px; display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 10px; margin-bottom: 4px }
figcaption small { color: var(--ink-3); font-weight: 400; font-size: 13px }
.legend { margin-left: auto; display: flex; gap: 14px; font-weight: 400; font-size: 13px; color: var(--ink-2) }
.key::before { content: ""; display: inline-block; width: 14px; height: 3px; border-radius: 2px; margin-right: 6px; vertical-align: middle; background: var(--tone) }
svg { display: block; width: 100%; min-width: 560px; height: auto }
.blue { --tone: var(--blue) } .aqua { --tone: var(--aqua) } .amber { --tone: var(--amber) } .grey { --tone: var(--ink-3) }
.line { fill: none; stroke: var(--tone); stroke-width: 2; stroke-linejoin: round; stroke-linecap: round }
.area { fill: var(--tone); opacity: .14 }
.grid { stroke: var(--line); stroke-width: 1 }
.tick { fill: var(--ink-3); font-size: 11.5px; font-variant-numeric: tabular-nums }
.mark { stroke: var(--axis); stroke-width: 1; stroke-dasharray: 3 3 }
.glyph { fill: none; stroke: var(--ink-2); stroke-width: 2; stroke-linecap: round; stroke-linejoin: round }
.glyph.kill { stroke: var(--bad) } .glyph.term { stroke: var(--warn); fill: var(--warn) } .glyph.restart { stroke: var(--blue) } .glyph.cut { stroke: var(--ink) }
.band { fill: var(--blue); opacity: .1 }
.life { fill: var(--blue); opacity: .55 }
.hover { fill: transparent } .hover:hover { fill: var(--ink); opacity: .06 }
.signs { display: flex; flex-wrap: wrap; gap: 6px 18px; font-size: 13px; color: var(--ink-2); margin: 4px 0 0 }
.signs svg { display: inline-block; width: 16px; min-width: 0; height: 16px; vertical-align: -3px; margin-right: 4px }
.card { overflow-x: auto; padding: 4px 14px }
table { border-collapse: collapse; width: 100%; font-size: 14px }
th { text-align: left; color: var(--ink-2); font-weight: 500; font-size: 13px }
td, th { padding: 6px 14px 6px 0; border-bottom: 1px solid var(--line); vertical-align: top }
tr:last-child td { border-bottom: 0 }
.number { text-align: right; font-variant-numeric: tabular-nums }
ul { margin: 6px 0 12px; padding-left: 20px } li { margin: 2px 0; overflow-wrap: anywhere }
code { font: 13px ui-monospace, SFMono-Regular, Menlo, monospace; overflow-wrap: anywhere }
`
