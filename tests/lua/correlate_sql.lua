--- The same measures in SQL, by their definitions: an independent check of nlsql.correlate.
local catalog = require "nlsql.catalog"

local sql = {}

local SECONDS = { date = true, interval = true, ["time without time zone"] = true,
  ["timestamp without time zone"] = true, ["timestamp with time zone"] = true }

--- The column as a float, or as text.
local function number(column)
  local name = catalog.quote(column.name)
  return SECONDS[column.type] and ("extract(epoch FROM %s)::float8"):format(name) or name .. "::float8"
end

local function text(column) return catalog.quote(column.name) .. "::text" end

local function both(ref, a, b)
  return ("WITH d AS (SELECT %s AS a, %s AS b FROM %s), p AS (SELECT * FROM d WHERE a IS NOT NULL AND b IS NOT NULL)")
    :format(a, b, ref)
end

function sql.n(ref, a, b) return both(ref, text(a), text(b)) .. " SELECT count(*) FROM p" end

function sql.pearson(ref, a, b) return both(ref, number(a), number(b)) .. " SELECT corr(a, b) FROM p" end

--- Equal values get the mean of their ranks: the first of them plus half of those behind it.
function sql.spearman(ref, a, b)
  return both(ref, number(a), number(b)) .. [[, r AS (
    SELECT rank() OVER (ORDER BY a) + (count(*) OVER (PARTITION BY a) - 1) / 2.0 AS ra,
           rank() OVER (ORDER BY b) + (count(*) OVER (PARTITION BY b) - 1) / 2.0 AS rb FROM p)
    SELECT corr(ra, rb) FROM r]]
end

local JOINT = [[, t AS (SELECT a, b, count(*)::float8 AS o FROM p GROUP BY a, b),
  m AS (SELECT sum(o) AS n, count(DISTINCT a)::float8 AS r, count(DISTINCT b)::float8 AS c FROM t),
  e AS (SELECT a.a, b.b, coalesce(t.o, 0) AS o, a.s * b.s / (SELECT n FROM m) AS e
          FROM (SELECT a, sum(o) AS s FROM t GROUP BY a) AS a CROSS JOIN (SELECT b, sum(o) AS s FROM t GROUP BY b) AS b
          LEFT JOIN t ON t.a = a.a AND t.b = b.b)]]

--- χ² over every cell, those without a row included; then Bergsma's correction.
function sql.cramers_v(ref, a, b)
  return both(ref, text(a), text(b)) .. JOINT .. [[
    SELECT CASE WHEN r > 1 AND c > 1 THEN
      sqrt(greatest(0, x / n - (r - 1) * (c - 1) / (n - 1)) /
           nullif(least(r - (r - 1) ^ 2 / (n - 1), c - (c - 1) ^ 2 / (n - 1)) - 1, 0)) END
      FROM m, (SELECT sum((o - e) ^ 2 / e) AS x FROM e) AS chi]]
end

local function information(d)
  return d .. JOINT .. [[
    SELECT CASE WHEN r > 1 AND c > 1 THEN (SELECT sum(o / n * ln(o / e)) FROM e WHERE o > 0) END FROM m]]
end

--- The pairs of values; a number as the interval, from 0, that the middle of its rows falls into, or as it
--- is where there are no more values than bins.
local function with_bins(ref, a, b, bins_a, bins_b)
  local function value(column, bins, as)
    if not bins then return text(column) .. " AS " .. as end
    local x = number(column)
    return ([[CASE WHEN %s IS NULL THEN NULL WHEN (SELECT count(DISTINCT %s) FROM %s) <= %d THEN %s ELSE
      floor(%d * (rank() OVER (ORDER BY %s) - 1 + count(*) OVER (PARTITION BY %s) / 2.0) / count(%s) OVER ()) END AS %s]])
      :format(x, x, ref, bins, x, bins, x, x, x, as)
  end
  return ("WITH d AS (SELECT %s, %s FROM %s), p AS (SELECT * FROM d WHERE a IS NOT NULL AND b IS NOT NULL)")
    :format(value(a, bins_a, "a"), value(b, bins_b, "b"), ref)
end

function sql.mutual_information(ref, a, b, bins_a, bins_b) return information(with_bins(ref, a, b, bins_a, bins_b)) end

--- a is the category. η² = 1 - what varies within the categories / what varies at all.
function sql.correlation_ratio(ref, a, b)
  return both(ref, text(a), number(b)) .. [[, g AS (SELECT a, b, avg(b) OVER (PARTITION BY a) AS mean FROM p)
    SELECT CASE WHEN count(DISTINCT a) > 1 AND count(DISTINCT a) < count(*) AND count(DISTINCT b) > 1
      THEN sqrt(greatest(0, 1 - sum((b - mean) ^ 2) / nullif(var_pop(b) * count(*), 0))) END FROM g]]
end

--- g3, its baseline, and the rows whose value of `a` comes up more than once.
function sql.dependency(ref, a, b)
  return both(ref, text(a), text(b)) .. [[, t AS (SELECT a, b, count(*) AS o FROM p GROUP BY a, b),
    g AS (SELECT max(o) AS kept, sum(o) AS s FROM t GROUP BY a)
    SELECT 1 - sum(kept) / sum(s)::float8, (SELECT 1 - max(s) / sum(s)::float8 FROM (SELECT sum(o) AS s FROM t GROUP BY b) AS b),
      coalesce(sum(s) FILTER (WHERE s > 1), 0) FROM g]]
end

return sql
