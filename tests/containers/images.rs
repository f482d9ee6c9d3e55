//! The images under test, each built once for all tests, of a copy of what they need: the
//! build tree is large, and the binary may be elsewhere.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::docker::build;

/// Ids of images.
pub(crate) struct Images {
    /// `examples/wordpress`, target php-fpm.
    pub(crate) php_fpm: String,
    /// `examples/wordpress`, target nginx.
    pub(crate) nginx: String,
    /// A database server.
    pub(crate) database: String,
    /// `Dockerfile.example`.
    pub(crate) example: String,
    /// `tests/containers/health`: services that Docker has checked.
    pub(crate) health: String,
    /// `tests/containers/volumes`: an image that fills a volume, and a newer one.
    pub(crate) volumes_one: String,
    pub(crate) volumes_two: String,
}

/// The images.
pub(crate) fn images() -> &'static Images {
    static IMAGES: OnceLock<Images> = OnceLock::new();
    IMAGES.get_or_init(|| {
        let context = Context::new();
        let of = |file: &str, target, tag: &str| build(&context.0, file, target, tag);
        Images {
            php_fpm: of("examples/wordpress/Dockerfile", Some("php-fpm"), "wordpress-php-fpm"),
            nginx: of("examples/wordpress/Dockerfile", Some("nginx"), "wordpress-nginx"),
            database: of("tests/containers/mariadb/Dockerfile", None, "mariadb"),
            example: of("Dockerfile.example", None, "example"),
            health: of("tests/containers/health/Dockerfile", None, "health"),
            volumes_one: of("tests/containers/volumes/Dockerfile", Some("one"), "volumes-one"),
            volumes_two: of("tests/containers/volumes/Dockerfile", Some("two"), "volumes-two"),
        }
    })
}

/// castoff and a static program, `/busybox`, and nothing else.
pub(crate) fn scratch() -> &'static str {
    static IMAGE: OnceLock<String> = OnceLock::new();
    IMAGE.get_or_init(|| build(&Context::new().0, "tests/containers/scratch/Dockerfile", None, "scratch"))
}

/// castoff as it goes into images.
pub(crate) fn binary() -> PathBuf {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/static/castoff");
    let binary = std::env::var_os("CASTOFF_BINARY").map_or(built, PathBuf::from);
    assert!(binary.is_file(), "{} is missing: run `make static`", binary.display());
    binary
}

/// A private copy of what images are built of.
struct Context(PathBuf);

impl Context {
    fn new() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let script = root.join("scripts/base-image.sh");
        assert!(Command::new(&script).status().unwrap().success(), "no base image: {}", script.display());
        let name = format!("castoff-images-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let context = Self(std::env::temp_dir().join(name));
        copy(&root.join("templates"), &context.0.join("templates"));
        copy(&root.join("examples"), &context.0.join("examples"));
        copy(&root.join("tests/containers"), &context.0.join("tests/containers"));
        copy(&root.join("Dockerfile.example"), &context.0.join("Dockerfile.example"));
        copy(&binary(), &context.0.join("target/static/castoff"));
        context
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Copies a file, or a directory with all that is below it.
fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(from, to).unwrap();
    }
}
