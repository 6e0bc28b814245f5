//! The rows of one realm, past the store: what is there before and after, whatever wrote it.

use std::collections::BTreeMap;

use hufu::store::connect::DatabaseUrl;
use sea_orm::{ConnectionTrait, DatabaseBackend, DatabaseConnection, Statement};

use super::TestApp;

/// Every row as text, sorted, by table.
pub type RowsOfRealm = BTreeMap<String, Vec<String>>;

impl TestApp {
    async fn texts(connection: &DatabaseConnection, sql: String) -> Vec<String> {
        let statement = Statement::from_string(connection.get_database_backend(), sql);
        let rows = connection.query_all_raw(statement).await.unwrap();
        rows.iter().map(|row| row.try_get("", "said").unwrap()).collect()
    }

    /// What a statement with one text column `said` answers.
    pub async fn said(&self, sql: &str) -> Vec<String> {
        Self::texts(&self.reading().await, sql.to_owned()).await
    }

    /// The same with one column of bytes.
    pub async fn bytes(&self, sql: &str) -> Vec<Vec<u8>> {
        let connection = self.reading().await;
        let statement = Statement::from_string(connection.get_database_backend(), sql);
        let rows = connection.query_all_raw(statement).await.unwrap();
        rows.iter().map(|row| row.try_get("", "said").unwrap()).collect()
    }

    pub fn url(&self) -> &DatabaseUrl {
        &self.database.url
    }

    /// An id as it stands in a statement.
    pub fn literal(&self, id: uuid::Uuid) -> String {
        match &self.database.url {
            DatabaseUrl::Sqlite(_) => format!("x'{}'", id.simple()),
            DatabaseUrl::Postgres(_) => format!("'{id}'"),
        }
    }

    async fn reading(&self) -> DatabaseConnection {
        let url = match &self.database.url {
            DatabaseUrl::Sqlite(path) => format!("sqlite://{}?mode=ro", path.display()),
            DatabaseUrl::Postgres(url) => url.clone(),
        };
        sea_orm::Database::connect(url).await.unwrap()
    }

    /// Tables and their columns; every one has a realm but the list of migrations
    /// and the keys at rest, which are of all.
    async fn tables(connection: &DatabaseConnection) -> BTreeMap<String, Vec<String>> {
        let sql = match connection.get_database_backend() {
            DatabaseBackend::Sqlite => {
                "SELECT t.name || ' ' || c.name AS said FROM sqlite_master t, pragma_table_info(t.name) c \
                 WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'"
            }
            _ => {
                "SELECT table_name || ' ' || column_name AS said FROM information_schema.columns \
                 WHERE table_schema = 'public'"
            }
        };
        let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in Self::texts(connection, sql.to_owned()).await {
            let (table, column) = line.split_once(' ').unwrap();
            tables.entry(table.to_owned()).or_default().push(column.to_owned());
        }
        for of_all in ["seaql_migrations", "data_root", "data_root_wrap"] {
            tables.remove(of_all);
        }
        for (table, columns) in &tables {
            assert!(columns.iter().any(|name| name == "realm"), "{table} has no realm");
        }
        tables
    }

    pub async fn rows_of(&self, realm: &str) -> RowsOfRealm {
        let connection = self.reading().await;
        let is_sqlite = connection.get_database_backend() == DatabaseBackend::Sqlite;
        let mut found = RowsOfRealm::new();
        let mut parts = Vec::new();
        for (table, columns) in Self::tables(&connection).await {
            let quoted: Vec<String> =
                columns.iter().map(|name| format!("quote(\"{name}\")")).collect();
            let whole =
                if is_sqlite { quoted.join(" || '|' || ") } else { format!("\"{table}\"::text") };
            parts.push(format!(
                "SELECT '{table}' AS named, {whole} AS said FROM \"{table}\" WHERE realm = '{realm}'"
            ));
            found.insert(table, Vec::new());
        }
        // One question for all: some sixty take longer than what the tests do between them.
        let sql = format!("{} ORDER BY 1, 2", parts.join(" UNION ALL "));
        let statement = Statement::from_string(connection.get_database_backend(), sql);
        for row in connection.query_all_raw(statement).await.unwrap() {
            let named: String = row.try_get("", "named").unwrap();
            found.get_mut(&named).unwrap().push(row.try_get("", "said").unwrap());
        }
        connection.close().await.unwrap();
        found
    }

    /// How SQLite would answer a statement, step by step.
    pub async fn plan(&self, sql: &str) -> Vec<String> {
        let connection = self.reading().await;
        let numbered = (1..40).rev().find(|n| sql.contains(&format!("${n}")));
        let n_values = numbered.unwrap_or_else(|| sql.matches('?').count());
        let values = vec![sea_orm::Value::String(None); n_values];
        let asked = format!("EXPLAIN QUERY PLAN {sql}");
        let statement =
            Statement::from_sql_and_values(connection.get_database_backend(), asked, values);
        let rows = connection.query_all_raw(statement).await.unwrap_or_else(|error| {
            panic!("{error}: {sql}");
        });
        connection.close().await.unwrap();
        rows.iter().map(|row| row.try_get("", "detail").unwrap()).collect()
    }

    /// The ids of a realm's rows, by table.
    pub async fn ids_of(&self, realm: &str) -> BTreeMap<String, Vec<String>> {
        let connection = self.reading().await;
        let is_sqlite = connection.get_database_backend() == DatabaseBackend::Sqlite;
        let mut found = BTreeMap::new();
        for (table, columns) in Self::tables(&connection).await {
            if !columns.iter().any(|name| name == "id") {
                continue;
            }
            let id = if is_sqlite { "lower(hex(id))" } else { "id::text" };
            let sql =
                format!("SELECT {id} AS said FROM \"{table}\" WHERE realm = '{realm}' ORDER BY 1");
            let ids = Self::texts(&connection, sql).await;
            let ids = ids.iter().map(|id| uuid::Uuid::parse_str(id).unwrap().to_string());
            found.insert(table, ids.collect());
        }
        connection.close().await.unwrap();
        found
    }

    /// Names and values of what a realm keeps for a while; nothing where they are in memory.
    pub async fn short_lived_of(&self, realm: &str) -> BTreeMap<String, String> {
        let Some(url) = &self.redis else { return BTreeMap::new() };
        let client = redis::Client::open(url.as_str()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let names: Vec<String> = redis::cmd("KEYS")
            .arg(format!("hufu/{realm}/*"))
            .query_async(&mut connection)
            .await
            .unwrap();
        assert!(!names.is_empty(), "nothing is kept under the realm's name");
        let values: Vec<Option<String>> =
            redis::cmd("MGET").arg(&names).query_async(&mut connection).await.unwrap();
        let all = names.into_iter().zip(values);
        all.filter_map(|(name, value)| Some((name, value?))).collect()
    }
}
