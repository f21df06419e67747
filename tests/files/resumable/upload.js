// Uploads a file with tus-js-client: node upload.js <endpoint> <file> <options as JSON>; prints where it lies.
const fs = require("fs");
const tus = require("tus-js-client");

const [endpoint, path, options] = process.argv.slice(2);
const upload = new tus.Upload(fs.createReadStream(path), {
  endpoint,
  metadata: { filename: "from-node.bin", filetype: "application/octet-stream" },
  retryDelays: Array(20).fill(200),
  ...JSON.parse(options),
  onError: (error) => {
    console.error(String(error));
    process.exit(1);
  },
  onSuccess: ({ lastResponse }) =>
    console.log(JSON.stringify({ url: upload.url, file: lastResponse.getHeader("X-File-Id") })),
});
upload.start();
