#include "lite.h"

#include <alloca.h>
#include <sqlite3.h>
#include <stddef.h>

/* Exported by Go. */
extern long long goVisit(long long value);
extern long long goNested(long long value);

#define ONLY __attribute__((noinline, noclone, noipa))

/* On one line: without a prologue, its first instruction is of every line. */
ONLY long long lite_mark(long long value) { __asm__ volatile("" : : : "memory"); return value + 1; }

static void visit(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    sqlite3_result_int64(context, goVisit(sqlite3_value_int64(values[0])));
}

static void nested(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    sqlite3_result_int64(context, goNested(sqlite3_value_int64(values[0])));
}

/* Room on the stack that is known only at run time: its CFA is found by RBP,
 * which everything below has to bring back. */
ONLY static long long sum_rows(sqlite3_stmt *statement, unsigned padding)
{
    volatile char *room = alloca(padding);
    long long sum = 0;
    room[0] = 1;
    while (sqlite3_step(statement) == SQLITE_ROW)
        sum += sqlite3_column_int64(statement, 0);
    return sum + room[0] - 1;
}

long long lite_sum(const char *query, unsigned padding)
{
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;
    long long sum = -1;
    if (sqlite3_open(":memory:", &database) == SQLITE_OK
        && sqlite3_create_function(database, "visit", 1, SQLITE_UTF8, NULL, visit, NULL, NULL) == SQLITE_OK
        && sqlite3_create_function(database, "nested", 1, SQLITE_UTF8, NULL, nested, NULL, NULL) == SQLITE_OK
        && sqlite3_exec(database,
               "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT); CREATE INDEX i ON t(b);"
               "INSERT INTO t VALUES (1, 'x'), (2, 'z'), (3, 'y');"
               "CREATE TABLE log(a);"
               "CREATE TRIGGER r AFTER UPDATE ON t BEGIN INSERT INTO log VALUES (visit(new.a)); END;",
               NULL, NULL, NULL) == SQLITE_OK
        && sqlite3_prepare_v2(database, query, -1, &statement, NULL) == SQLITE_OK)
        sum = sum_rows(statement, padding);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return sum;
}
