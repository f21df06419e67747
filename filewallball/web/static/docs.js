"use strict";
SwaggerUIBundle({
  dom_id: "#api",
  url: document.getElementById("api").dataset.description,
  deepLinking: true,
  validatorUrl: null,
});
