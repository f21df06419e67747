// The password of a link, or the wish to use it: sent in a body, never in an address. What comes back is a ticket for
// this one file.
const form = document.getElementById("unlock");
const outcome = document.getElementById("outcome");
const input = document.getElementById("password");
const button = form.querySelector("button");

function sayOf(status) {
  if (status === 401 || status === 403) return form.dataset.wrong;
  return status === 429 ? form.dataset.busy : form.dataset.failed;
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
    } else if (response.status === 410 || response.status === 404) {
      location.reload();
    } else {
      outcome.textContent = sayOf(response.status);
      input?.setAttribute("aria-invalid", "true");
      input?.select();
    }
  } catch {
    outcome.textContent = form.dataset.failed;
  }
  button.disabled = false;
});
(input ?? button).focus();
