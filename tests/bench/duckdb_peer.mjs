// duckdb_peer: the overlap of all column pairs of one family, as DuckDB does it: distinct values of all columns
// at once, joined with themselves.
//
//     node duckdb_peer.mjs PACKAGES FOLDER THREADS
//
// PACKAGES: the folder whose node_modules has @duckdb/node-api. FOLDER: columns.json (a list of { table,
// column, type, family }) and a TABLE.csv each. Prints one JSON line.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const [packages, folder, threads] = process.argv.slice(2);
const { DuckDBInstance } = createRequire(`${packages}/`)('@duckdb/node-api');
const columns = JSON.parse(readFileSync(`${folder}/columns.json`, 'utf8'));
const instance = await DuckDBInstance.create(':memory:', { threads });
const db = await instance.connect();
const seconds = (since) => Number(process.hrtime.bigint() - since) / 1e9;

let started = process.hrtime.bigint();
const tables = [...new Set(columns.map((c) => c.table))];
for (const table of tables) {
    const types = columns.filter((c) => c.table === table).map((c) => `'${c.column}': '${c.type.toUpperCase()}'`);
    await db.run(`CREATE TABLE ${table} AS SELECT * FROM read_csv('${folder}/${table}.csv', header = false, nullstr = '',
        columns = {${types.join(', ')}})`);
}
const load = seconds(started);

started = process.hrtime.bigint();
let overlaps = 0;
for (const family of new Set(columns.map((c) => c.family))) {
    const type = { number: 'DECIMAL(18, 2)', text: 'VARCHAR' }[family] ?? family.toUpperCase();
    const parts = columns.map((c, i) => [c, i]).filter(([c]) => c.family === family).map(([c, i]) =>
        `SELECT DISTINCT ${i} AS c, CAST(${c.column} AS ${type}) AS v FROM ${c.table} WHERE ${c.column} IS NOT NULL`);
    await db.run(`CREATE OR REPLACE TEMP TABLE d AS ${parts.join(' UNION ALL ')}`);
    const got = await db.runAndReadAll(`WITH n AS (SELECT c, count(*) AS n FROM d GROUP BY c),
        o AS (SELECT a.c AS child, b.c AS parent, count(*) AS common FROM d AS a JOIN d AS b USING (v) WHERE a.c <> b.c GROUP BY ALL)
        SELECT child, parent, common, common / n.n AS containment FROM o JOIN n ON n.c = o.child WHERE common >= n.n / 2`);
    overlaps += got.getRows().length;
}
console.log(JSON.stringify({ name: 'duckdb', load, seconds: seconds(started), overlaps,
    rss_kb: process.resourceUsage().maxRSS }));
process.exit(0);
