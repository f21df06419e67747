// The password of a link, or the wish to use it: sent in a body, never in an address. What comes back is a ticket for
// this one file.
const form = document.getElementById("unlock");
const outcome = document.getElementById("outcome");
const input = document.getElementById("password");
const button = form.querySelector("button");

// Other refusals have pages of their own.
const HAVE_PAGES = [401, 403, 404, 410];

async function refused(response) {
  const { code } = await response.json().catch(() => ({}));
  if (code !== "link_password_wrong" && HAVE_PAGES.includes(response.status)) return location.reload();
  const { wrong, busy, failed } = form.dataset;
  outcome.textContent = code === "link_password_wrong" ? wrong : response.status === 429 ? busy : failed;
  input?.setAttribute("aria-invalid", "true");
  return input?.select();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  outcome.textContent = "";
  button.disabled = true;
  try {
    const response = await fetch(form.dataset.address, {
      method: "POST",
      credentials: "omit",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(input ? { password: input.value } : {}),
    });
    if (response.ok) {
      const { ticket } = await response.json();
      location.assign(`${form.dataset.tickets}${ticket}${location.pathname.endsWith("/view") ? "/view" : ""}`);
    } else {
      await refused(response);
    }
  } catch {
    outcome.textContent = form.dataset.failed;
  }
  button.disabled = false;
});
(input ?? button).focus();
