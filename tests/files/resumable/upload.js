// Uploads a file with tus-js-client: node upload.js <endpoint> <file> <options as JSON>; prints where it lies.
// It does not try the last request of a parallel upload again by itself: that takes another start, as of a button.
const fs = require("fs");
const tus = require("tus-js-client");

const [endpoint, path, options] = process.argv.slice(2);
let starts = 0;
const upload = new tus.Upload(fs.createReadStream(path), {
  endpoint,
  metadata: { filename: "from-node.bin", filetype: "application/octet-stream" },
  ...JSON.parse(options),
  onError: (error) => {
    if (upload.options.parallelUploads > 1 && !error.originalResponse && starts++ < 100) {
      setTimeout(() => upload.start(), 200);
      return;
    }
    console.error(String(error));
    process.exit(1);
  },
  onSuccess: ({ lastResponse }) =>
    console.log(JSON.stringify({ url: upload.url, file: lastResponse.getHeader("X-File-Id") })),
});
upload.start();
