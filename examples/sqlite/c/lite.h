#ifndef LITE_H
#define LITE_H

/* Runs a query on a database in memory and returns the sum of its first
 * column, or -1 where it fails. The query may call two functions that Go
 * exports: visit(x), and nested(x), which runs another query. */
long long lite_sum(const char *query, unsigned padding);

/* What the callbacks call last. */
long long lite_mark(long long value);

#endif
