--- polymorphic: a column whose values are keys of one table or another, as a second column says.
---
--- comment.subject_id is a post's where comment.subject_type is 'Post', and a photo's where it is 'Photo'.
--- No parent holds all of its values, or one does by accident; so for each value of the second column the
--- rows are counted apart. It is believed where every value leads to one parent, and not all to the same.

local catalog = require "nlsql.catalog"
local words = require "nlsql.grammar.words"

local polymorphic = {}

--- Kinds that the second column may have, pairs of columns that are counted, parents that are tried, at most.
local MOST_KINDS, MOST_PAIRS, MOST_PARENTS = 12, 60, 12

--- Share of a parent's keys, in all, from which on a parent is tried.
local LEAST = 0.05

---@class nlsql.KindParent
---@field value string
---@field to string
---@field column string
---@field rows integer
---@field distinct integer
---@field orphans integer

---@class nlsql.Polymorphic
---@field from string
---@field column string      the values
---@field kind string        the column that says whose they are
---@field parents nlsql.KindParent[]  for each value of `kind`
---@field score number
---@field reasons string[]

local function is_kind(column)
  return column.family == "text" and not column.unique and column.distinct >= 2 and column.distinct <= MOST_KINDS
    and column.filled >= 2 * column.distinct
end

--- Is a value of the kind column another word for the table: Post, posts, App\Post, blog.post?
local function says(value, parent)
  local last = words.singular((value:match("([%w_]+)%W*$") or value):lower():gsub("_", ""))
  local noun = words.singular(table.concat(words.split(words.humanise(parent.table.name))))
  return last == noun or noun:sub(-#last) == last and #last >= 4
end

--- Do the names say that the two belong together: subject_type and subject_id?
local function belong(kind, column)
  local a, b = words.split(kind.name), words.split(column.name)
  local is_type = { type = true, kind = true, class = true, model = true, entity = true, table = true }
  if not is_type[a[#a]] then return false end
  if #a == 1 or #b == 1 then return #a == #b end
  return table.concat(a, " ", 1, #a - 1) == table.concat(b, " ", 1, #b - 1)
end

--- The parents that a column's values may be keys of.
local function parents_of(world, column)
  local out = {}
  for parent_at, common in world.overlaps:of(column.at) do
    local parent = world.columns[parent_at]
    if parent and parent.key == "primary" or parent and parent.key == "data" and not parent.table.primary then
      if parent.base == column.base and not parent.view and parent.ref ~= column.ref
        and common / column.distinct >= LEAST then
        out[#out + 1] = parent
      end
    end
  end
  if #out > MOST_PARENTS then
    table.sort(out, function(a, b)
      local x, y = world.overlaps:common(column.at, a.at), world.overlaps:common(column.at, b.at)
      if x ~= y then return x > y end
      return a.at < b.at
    end)
    out = table.move(out, 1, MOST_PARENTS, 1, {})
  end
  return #out >= 2 and out or nil
end

--- Distinct values and rows of each kind, and how many of the values each parent lacks.
local function query_of(column, kind, parents)
  local tests = {}
  for i, parent in ipairs(parents) do
    tests[i] = (", count(*) FILTER (WHERE NOT EXISTS (SELECT 1 FROM %s AS p WHERE p.%s = s.v))"):format(parent.ref,
      catalog.quote(parent.name))
  end
  local k, v = catalog.quote(kind.name), catalog.quote(column.name)
  return ("SELECT s.k, count(*), sum(s.n)%s FROM (SELECT %s::text AS k, %s AS v, count(*) AS n FROM %s "
    .. "WHERE %s IS NOT NULL AND %s IS NOT NULL GROUP BY 1, 2) AS s GROUP BY 1 ORDER BY 1"):format(table.concat(tests), k, v,
    column.ref, k, v)
end

--- The parent of one kind: one that is called as the value says, else the only one that has all its values, else
--- the smallest of those, where the values are spread over it.
local function parent_of(row, parents)
  local distinct, best = math.tointeger(tonumber(row[2])), nil
  for i, parent in ipairs(parents) do
    local orphans = math.tointeger(tonumber(row[3 + i]))
    if orphans / distinct <= 0.05 then
      local named = says(row[1], parent)
      local one = { value = row[1], to = parent.ref, column = parent.name, rows = math.tointeger(tonumber(row[3])),
        distinct = distinct, orphans = orphans, named = named, at = parent.at, keys = parent.distinct,
        telling = -distinct * math.log(math.min(0.999, parent.density or 0.5)) }
      if not best or named and not best.named or named == best.named and one.keys < best.keys then
        one.others = best and best.named == named and (best.others or 0) + 1 or 0
        best = one
      else
        best.others = (best.others or 0) + (best.named == named and 1 or 0)
      end
    end
  end
  return best
end

--- What counting by kind shows, or nil where it shows nothing.
local function judge(column, kind, rows, parents)
  local list, seen, n_parents, named, telling, ambiguous = {}, {}, 0, 0, 0, 0
  for i, row in ipairs(rows) do
    local one = parent_of(row, parents)
    if not one then return nil end
    list[i] = one
    if not seen[one.to] then n_parents = n_parents + 1 end
    seen[one.to] = true
    named = named + (one.named and 1 or 0)
    telling = telling + one.telling
    ambiguous = ambiguous + ((one.others or 0) > 0 and 1 or 0)
  end
  if n_parents < 2 then return nil end
  local together = belong(kind, column)
  local sum = -3 + 5 * named / #list + (together and 2.5 or 0) + math.min(5, telling) - 3 * ambiguous / #list
  return { from = column.ref, column = column.name, kind = kind.name, parents = list, at = column.at,
    score = 1 / (1 + math.exp(-sum)),
    reasons = { ("each of the %d values of %s leads to one table, %d tables in all"):format(#list, kind.name, n_parents),
      ("%d of them are called as the table is"):format(named),
      together and ("%s and %s belong together by their names"):format(kind.name, column.name) or nil } }
end

--- Columns that depend on another, each with its parents; `single`: the best score that each column has as a
--- reference to one parent, by its index.
---@param world table  { db, columns, overlaps }
---@param single table<integer, number>
---@return nlsql.Polymorphic[]
function polymorphic.find(world, single)
  local by_ref, out, tried = {}, {}, 0
  for _, column in pairs(world.columns) do
    by_ref[column.ref] = by_ref[column.ref] or {}
    table.insert(by_ref[column.ref], column)
  end
  for _, ref in ipairs(world.schema:names()) do
    local list, best = by_ref[ref] or {}, {}
    table.sort(list, function(a, b) return a.at < b.at end)
    local kinds = {}
    for _, column in ipairs(list) do kinds[#kinds + 1] = is_kind(column) and column or nil end
    for _, column in ipairs(kinds[1] and list or {}) do
      local parents = not column.unique and not column.view and column.distinct > 1 and parents_of(world, column)
      for _, kind in ipairs(parents and kinds or {}) do
        local worth = kind ~= column and (belong(kind, column) or (single[column.at] or 0) < 0.9)
        if worth and tried < MOST_PAIRS then
          tried = tried + 1
          local got = world.db:query(query_of(column, kind, parents), nil, world.limits)
          local found = got and judge(column, kind, got.rows, parents)
          if found and (not best[column] or found.score > best[column].score) then best[column] = found end
        end
      end
      out[#out + 1] = best[column]
    end
  end
  return out
end

return polymorphic
