//! A test's own statements, past the store.

use hufu::store::connect::DatabaseUrl;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, Statement};

use super::TestApp;

impl TestApp {
    /// One connection, so that what is set in it holds.
    pub async fn connection(&self) -> DatabaseConnection {
        let url = match &self.database.url {
            DatabaseUrl::Sqlite(path) => format!("sqlite://{}", path.display()),
            DatabaseUrl::Postgres(url) => url.clone(),
        };
        let mut options = ConnectOptions::new(url);
        options.max_connections(1).sqlx_logging(false);
        Database::connect(options).await.unwrap()
    }

    /// What one number of one row says.
    pub async fn count(&self, sql: &str) -> i64 {
        let connection = self.connection().await;
        let statement = Statement::from_string(connection.get_database_backend(), sql.to_owned());
        let row = connection.query_one_raw(statement).await.unwrap().unwrap();
        row.try_get_by_index(0).unwrap()
    }
}
