// Tells how a code stands and goes on by itself; without scripts the buttons do the same.
const SILENCE = 5000;
const PAUSE = 2000;

for (const scan of document.querySelectorAll("[data-scan]")) {
  const said = scan.querySelector("[data-scan-said]");
  const number = scan.querySelector(".number");
  const form = scan.querySelector("form");
  const source = new EventSource(scan.dataset.scan);
  let hears = false;
  let isOver = false;

  const tell = ({ state, name, number: digits }) => {
    said.textContent = (said.dataset[state] ?? "") + (name ? ` · ${name}` : "");
    number.querySelector("strong").textContent = digits ?? "";
    number.hidden = !digits;
    scan.dataset.state = state;
    if (state === "new" || state === "scanned") return;
    isOver = true;
    source.close();
    if (state === "confirmed") form.requestSubmit();
    if (state === "expired" || state === "cancelled" || state === "failed") {
      const again = document.createElement("a");
      again.className = "button";
      again.href = scan.dataset.again;
      again.textContent = scan.querySelector("#scan-continue").dataset.again;
      scan.querySelector(".qr").replaceWith(again);
    }
  };

  // A proxy may hold events back, and a stream may be refused: then it is asked.
  const poll = async () => {
    source.close();
    while (!isOver) {
      const answer = await fetch(scan.dataset.poll).catch(() => null);
      if (answer?.status === 404) return;
      if (answer?.ok) tell(await answer.json());
      await new Promise((done) => setTimeout(done, PAUSE));
    }
  };
  source.onmessage = (event) => {
    hears = true;
    tell(JSON.parse(event.data));
  };
  source.onerror = () => source.readyState === EventSource.CLOSED && !isOver && poll();
  setTimeout(() => hears || source.readyState === EventSource.CLOSED || poll(), SILENCE);
  form.addEventListener("submit", () => { isOver = true; source.close(); });
}
