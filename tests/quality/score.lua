--- score: how many of the relations that are right a list of candidates has, and how many that are not.
---
--- A relation is { from = "schema.table", columns = {…}, to = "schema.table", referred = {…} }, names as
--- the catalog has them. Truth is a list of them. `also` are right too but nobody asks for them: a candidate
--- that is one of these counts neither for nor against.
---
--- Where the truth was read from joins (`joins = true`) a relation has no direction, and two columns that
--- both refer to a third are joined: such a truth is found where the candidates lead from both to one column.

local score = {}

---@class quality.Relation
---@field from string
---@field columns string[]
---@field to string
---@field referred string[]
---@field score number?

--- The same for the same relation, in whatever order its columns are.
---@param relation quality.Relation
---@return string
function score.key(relation)
  local list = {}
  for i, name in ipairs(relation.columns) do list[i] = ("%q>%q"):format(name, relation.referred[i]) end
  table.sort(list)
  return relation.from .. ">" .. relation.to .. ":" .. table.concat(list, ",")
end

local function flipped(relation)
  return { from = relation.to, columns = relation.referred, to = relation.from, referred = relation.columns }
end

--- The key of a relation without direction.
local function pair_key(relation)
  local one, other = score.key(relation), score.key(flipped(relation))
  return one < other and one or other
end

--- As people read it: a.x -> b.y.
---@param relation quality.Relation
---@return string
function score.text(relation)
  return ("%s(%s) -> %s(%s)"):format(relation.from, table.concat(relation.columns, ", "), relation.to,
    table.concat(relation.referred, ", "))
end

local function keys_of(list, key)
  local out = {}
  for _, relation in ipairs(list or {}) do out[key(relation)] = true end
  return out
end

local function node(tbl, column) return tbl .. "\0" .. column end

--- For each column that refers to something: those that it leads to, itself among them.
local function ancestors(candidates)
  local up = {}
  for _, relation in ipairs(candidates) do
    if #relation.columns == 1 then
      local child = node(relation.from, relation.columns[1])
      up[child] = up[child] or {}
      table.insert(up[child], node(relation.to, relation.referred[1]))
    end
  end
  return function(start)
    local seen, queue = { [start] = true }, { start }
    while #queue > 0 do
      for _, parent in ipairs(up[table.remove(queue)] or {}) do
        if not seen[parent] then
          seen[parent] = true
          queue[#queue + 1] = parent
        end
      end
    end
    return seen
  end
end

local function meet(relation, reach)
  local one = reach(node(relation.from, relation.columns[1]))
  for column in pairs(reach(node(relation.to, relation.referred[1]))) do
    if one[column] then return true end
  end
  return false
end

---@class quality.Figures
---@field truth integer      how many are right
---@field found integer      of these
---@field recall number
---@field right integer      candidates that are
---@field precision number   1 where there is no candidate
---@field strict number      the same with those of `also` counted as wrong
---@field missed quality.Relation[]
---@field wrong quality.Relation[]

--- What a list of candidates is worth.
---@param candidates quality.Relation[]
---@param truth quality.Relation[]
---@param options { also: quality.Relation[]?, joins: boolean? }?
---@return quality.Figures
function score.figures(candidates, truth, options)
  options = options or {}
  local key = options.joins and pair_key or score.key
  local wanted, also = keys_of(truth, key), keys_of(options.also, key)
  local out = { truth = #truth, found = 0, right = 0, missed = {}, wrong = {} }
  local seen, beside = {}, 0
  for _, candidate in ipairs(candidates) do
    local k = key(candidate)
    if not seen[k] then -- else the other direction of one that was counted
      if wanted[k] then
        out.right = out.right + 1
      elseif also[k] then
        beside = beside + 1
      else
        out.wrong[#out.wrong + 1] = candidate
      end
    end
    seen[k] = true
  end
  local reach = options.joins and ancestors(candidates)
  for _, relation in ipairs(truth) do
    if seen[key(relation)] or reach and #relation.columns == 1 and meet(relation, reach) then
      out.found = out.found + 1
    else
      out.missed[#out.missed + 1] = relation
    end
  end
  out.recall = #truth == 0 and 1 or out.found / #truth
  local judged = out.right + #out.wrong
  out.precision = judged == 0 and 1 or out.right / judged
  out.strict = judged + beside == 0 and 1 or out.right / (judged + beside)
  return out
end

--- The greatest recall among the cuts of the list, best score first, whose precision is at least `least`.
--- Candidates of one score stay together.
---@param candidates quality.Relation[]
---@param truth quality.Relation[]
---@param least number
---@param options { also: quality.Relation[]?, joins: boolean? }?
---@return number recall
---@return number? cut  the score at the best cut
function score.recall_at(candidates, truth, least, options)
  local sorted = table.move(candidates, 1, #candidates, 1, {})
  table.sort(sorted, function(a, b)
    if a.score ~= b.score then return a.score > b.score end
    return score.key(a) < score.key(b)
  end)
  local best, cut, head = 0, nil, {}
  for i, candidate in ipairs(sorted) do
    head[i] = candidate
    if not sorted[i + 1] or sorted[i + 1].score < candidate.score then
      local got = score.figures(head, truth, options)
      if got.precision >= least and got.recall > best then best, cut = got.recall, candidate.score end
    end
  end
  return best, cut
end

return score
