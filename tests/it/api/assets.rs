//! Static files: kept for ever where the name says what is in them, asked for again where it does not,
//! and nothing outside of their folder.

use axum::body::Body;
use http::Method;
use tests::app::TestApp;
use tests::services::settings;

#[tokio::test]
async fn files_are_served_and_cached_as_their_names_allow() {
    let folder = tempfile::tempdir().expect("a folder");
    let public = folder.path().join("public");
    std::fs::create_dir_all(public.join("pkg")).expect("a folder");
    let write =
        |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
    write("public/pkg/islands-1a2b.wasm", "wasm");
    write("public/favicon.svg", "<svg/>");
    write("outside.txt", "not for anybody");
    let app = TestApp::with(settings(), |http| http.public_dir = public).await;
    let nobody = app.anonymous();

    let built = nobody.get("/pkg/islands-1a2b.wasm").await;
    assert_eq!(built.status, 200);
    assert_eq!(built.header("content-type"), "application/wasm");
    assert_eq!(
        built.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    assert!(built.header("set-cookie").is_empty());

    for path in ["/favicon.svg", "/assets/favicon.svg"] {
        let icon = nobody.get(path).await;
        assert_eq!(
            (icon.status.as_u16(), icon.text().as_str()),
            (200, "<svg/>")
        );
        assert_eq!(icon.header("cache-control"), "no-cache");
        let request = nobody
            .request(Method::GET, path)
            .header("if-none-match", icon.header("etag"))
            .body(Body::empty())
            .expect("a request");
        let again = nobody.send(request).await;
        assert_eq!(
            (again.status.as_u16(), again.body.len()),
            (304, 0),
            "{path}"
        );
    }

    for path in [
        "/assets/../outside.txt",
        "/assets/%2e%2e/outside.txt",
        "/assets/..%2foutside.txt",
        "/pkg/..%5c..%5coutside.txt",
        "/pkg/",
        "/assets/none.txt",
    ] {
        let reply = nobody.get(path).await;
        assert_eq!(reply.status, 404, "{path}");
        assert!(!reply.text().contains("not for anybody"), "{path}");
    }
}
