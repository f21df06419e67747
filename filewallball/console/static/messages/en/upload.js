export default { title: "Upload" };
