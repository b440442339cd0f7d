//! What every store asks of the table of its rows in the same words.

/// The row that a reference leads to, among those that are seen: `part` is the part of a sight that is looked through.
#[macro_export]
macro_rules! look_up {
    ($connection:expr, $sight:expr, $reference:expr, $table:ident, |$part:ident| $seen:expr) => {
        $crate::reference::first(
            $connection,
            $sight,
            $reference,
            |connection, $part, id| {
                let found = $table::table.filter($seen).filter($table::id.eq(id));
                $crate::natively!(connection, |native| found.select(Self::as_select()).first(native))
            },
            |connection, $part, slug| {
                let found = $table::table.filter($seen).filter($table::slug.eq(slug));
                $crate::natively!(connection, |native| found.select(Self::as_select()).first(native))
            },
        )
    };
}

/// The slugs among these that rows have which are seen, each with the identity behind it.
#[macro_export]
macro_rules! by_slugs {
    ($connection:expr, $slugs:expr, $table:ident, $seen:expr) => {
        $crate::db::in_chunks($slugs, |slugs| {
            let found = $table::table.filter($seen).filter($crate::db::among($table::slug, slugs));
            $crate::natively!($connection, |native| found.select(($table::slug, $table::id)).load(native))
        })
    };
}

/// The slugs among these that living rows have.
#[macro_export]
macro_rules! taken_slugs {
    ($connection:expr, $slugs:expr, $table:ident) => {
        $crate::db::in_chunks($slugs, |slugs| {
            let living = $table::table.filter($table::until.is_null());
            let found = living.filter($crate::db::among($table::slug, slugs)).select($table::slug);
            $crate::natively!($connection, |native| found.load(native))
        })
    };
}
