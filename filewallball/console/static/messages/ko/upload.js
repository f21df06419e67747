export default { title: "업로드" };
