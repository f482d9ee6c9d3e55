# Makes the database and its user, then becomes the server.
set -eu

if [ -n "${MARIADB_PASSWORD_FILE-}" ]; then
    MARIADB_PASSWORD=$(cat "$MARIADB_PASSWORD_FILE")
fi
password=$(printf %s "$MARIADB_PASSWORD" | sed "s/[\\\\']/\\\\&/g")

install -d -o mysql -g mysql -m 0755 /run/mysqld
install -d -o mysql -g mysql -m 0700 /var/lib/mysql
if [ ! -d /var/lib/mysql/mysql ]; then
    mariadb-install-db --user=mysql --datadir=/var/lib/mysql --skip-test-db >/dev/null
fi
cat >/run/mysqld/init.sql <<SQL
CREATE DATABASE IF NOT EXISTS \`$MARIADB_DATABASE\`;
CREATE OR REPLACE USER '$MARIADB_USER'@'%' IDENTIFIED BY '$password';
GRANT ALL ON \`$MARIADB_DATABASE\`.* TO '$MARIADB_USER'@'%';
SQL
chown mysql: /run/mysqld/init.sql
chmod 0600 /run/mysqld/init.sql

exec mariadbd --user=mysql --bind-address=0.0.0.0 --skip-name-resolve --init-file=/run/mysqld/init.sql
