// Tells how a code stands and goes on by itself; without scripts the button does the same.
for (const scan of document.querySelectorAll("[data-scan]")) {
  const said = scan.querySelector("[data-scan-said]");
  const source = new EventSource(scan.dataset.scan);
  source.onmessage = (event) => {
    const { state, name } = JSON.parse(event.data);
    said.textContent = (said.dataset[state] ?? "") + (name ? ` ${name}` : "");
    scan.dataset.state = state;
    if (state === "new" || state === "scanned") return;
    source.close();
    if (state === "confirmed") scan.querySelector("form").requestSubmit();
    if (state === "expired" || state === "cancelled" || state === "failed") {
      const again = document.createElement("a");
      again.className = "button";
      again.href = location.pathname.endsWith("/scan") ? document.referrer : location.href;
      again.textContent = scan.querySelector("button").dataset.again ?? "↻";
      scan.querySelector(".qr").replaceWith(again);
    }
  };
}
