//! A WordPress site in three containers, from nothing but variables.

use crate::docker::{Container, Network, Volume, wait_for};
use crate::http::{Page, get};
use crate::images::images;

/// Stands in every secret given, and nowhere else.
pub(crate) const CANARY: &str = "c4n4ry";

/// A password of all that breaks config files, SQL, shells and templates.
pub(crate) const PASSWORD: &str = r##"c4n4ry 'q' "d" `b` $HOME ${x} $(id) \ \\ \n \' & && | # ; , = ! ? * % @ ~ < > ( ) [ ] { } {{ 7 }} {% x %} <?= 1 ?> */ // --"##;

/// One that ssmtp.conf can carry.
pub(crate) const SMTP_PASSWORD: &str = r#"c4n4ry"'\$&;{}{{x}}<?>|~"#;

/// PHP that prints the password which wp-config.php sets.
pub(crate) const READ_PASSWORD: &str = "$c = file_get_contents('/usr/share/wordpress/wp-config.php'); \
     eval(substr(explode('require_once', $c)[0], 5)); echo DB_PASSWORD;";

/// What a php-fpm container is given.
pub(crate) fn php_fpm_options<'a>(volume: &'a str, more: &[&'a str]) -> Vec<String> {
    let mut options = vec![
        "--volume".to_owned(),
        format!("{volume}:/var/lib/wordpress"),
        format!("--env=WORDPRESS_DB_PASSWORD={PASSWORD}"),
        format!("--env=SMTP_PASSWORD={SMTP_PASSWORD}"),
    ];
    let plain = [
        "WORDPRESS_DB_HOST=db",
        "WORDPRESS_DB_USER=wordpress",
        "SMTP_HOST=mail.example.com",
        "SMTP_USER=site",
        "PHP_FPM_PING_PATH=/ping",
    ];
    options.extend(plain.iter().map(|variable| format!("--env={variable}")));
    options.extend(more.iter().map(|option| (*option).to_owned()));
    options
}

/// Starts a php-fpm container and waits until it is ready.
pub(crate) fn start_php_fpm(volume: &str, more: &[&str]) -> Container {
    let options = php_fpm_options(volume, more);
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let container = Container::start(&options, &images().php_fpm);
    wait_until_ready(&container, "");
    container
}

/// Waits for the line of php-fpm that says so, since a time.
pub(crate) fn wait_until_ready(php_fpm: &Container, since: &str) {
    wait_for("php-fpm", || {
        let log = php_fpm.log(since);
        let ready = log.contains("ready to handle connections");
        assert!(ready || php_fpm.is_running(), "php-fpm's container ended:\n{log}");
        ready.then_some(())
    });
}

/// The containers; removed before the network and the volume.
pub(crate) struct Site {
    pub(crate) nginx: Container,
    pub(crate) php_fpm: Container,
    _database: Container,
    _volume: Volume,
    _network: Network,
}

impl Site {
    pub(crate) fn start() -> Self {
        let network = Network::new();
        let volume = Volume::new();
        let password = format!("--env=MARIADB_PASSWORD={PASSWORD}");
        let database = Container::start(
            &[
                &format!("--network={}", network.0),
                "--network-alias=db",
                "--env=MARIADB_DATABASE=wordpress",
                "--env=MARIADB_USER=wordpress",
                &password,
            ],
            &images().database,
        );
        let on_network = format!("--network={}", network.0);
        let php_fpm = start_php_fpm(&volume.0, &[&on_network, "--network-alias=php-fpm"]);
        let content = format!("{}:/var/lib/wordpress:ro", volume.0);
        let nginx = Container::start(
            &[&on_network, "--publish=127.0.0.1::80", "--volume", &content],
            &images().nginx,
        );
        Self { nginx, php_fpm, _database: database, _volume: volume, _network: network }
    }

    /// Gets a page, through nginx and php-fpm; waits until it is there.
    pub(crate) fn page(&self, path: &str) -> Page {
        wait_for(path, || {
            assert!(self.nginx.is_running(), "nginx's container ended");
            // the port is another one after a restart
            get(&self.nginx.address(80), path).filter(|page| page.status < 500)
        })
    }

    /// WordPress's own page for its installation, which it shows once the database answers.
    pub(crate) fn assert_install_page(&self) {
        let page = self.page("/wp-admin/install.php");
        assert_eq!(page.status, 200, "{}", page.body);
        for part in ["<title>WordPress &rsaquo; Installation</title>", r#"<form id="setup" method="post""#] {
            assert!(page.body.contains(part), "{part} isn't in {}", page.body);
        }
    }
}
