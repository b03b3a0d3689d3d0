--- edges: foreign keys between what two words of a sentence stand for.

local facts = require "nlsql.claims.facts"

local edges = {}

--- What a token may stand for: { ref=, columns= or nil }…
local function ends(claim, token)
  local out = {}
  if token.pronoun then
    for _, one in ipairs(token.pronoun) do
      local more = ends(claim, one)
      table.move(more, 1, #more, #out + 1, out)
    end
    return out
  end
  if token.columns then
    for _, one in ipairs(facts.sets(claim, token.columns)) do
      out[#out + 1] = { ref = one[1].reference, columns = one[2] }
    end
  end
  for _, ref in ipairs(token.refs or {}) do out[#out + 1] = { ref = ref } end
  return out
end

local function place(list, name)
  for i, one in ipairs(list) do
    if one == name then return i end
  end
end

local function fits(edge, a, b)
  if edge.from ~= a.ref or edge.to ~= b.ref then return false end
  for i, name in ipairs(a.columns or {}) do
    local at = place(edge.columns, name)
    if not at then return false end
    local other = b.columns and b.columns[i]
    if other and #a.columns == #b.columns and edge.referred_columns[at] ~= other then return false end
  end
  for _, name in ipairs(b.columns or {}) do
    if not place(edge.referred_columns, name) then return false end
  end
  return true
end

--- A foreign key from `a` to `b`; of several columns that no key holds together, one from each.
function edges.of(claim, a, b)
  for _, edge in ipairs(claim.names.into[b.ref] or {}) do
    if fits(edge, a, b) then return edge end
  end
  if not a.columns or #a.columns < 2 or b.columns and #b.columns > 1 then return nil end
  local one
  for _, name in ipairs(a.columns) do
    one = edges.of(claim, { ref = a.ref, columns = { name } }, b)
    if not one then return nil end
  end
  return one
end

--- A foreign key in words.
function edges.said(edge)
  return ("%s.%s references %s.%s"):format(edge.from, table.concat(edge.columns, ", "), edge.to,
    table.concat(edge.referred_columns, ", "))
end

--- What foreign keys there are in place of one that there is not.
function edges.missing_said(claim, a, b)
  local t = claim.names:table(a.ref)
  for _, key in ipairs(t.foreign) do
    local of_columns = a.columns ~= nil
    for _, name in ipairs(a.columns or {}) do of_columns = of_columns and facts.has(key.columns, name) end
    if of_columns and key.referred then
      return edges.said { from = a.ref, to = key.referred, columns = key.columns,
        referred_columns = key.referred_columns }
    end
  end
  local from = a.columns and a.ref .. "." .. table.concat(a.columns, ", ") or a.ref
  return ("%s has no foreign key to %s"):format(from,
    b.columns and b.ref .. "." .. table.concat(b.columns, ", ") or b.ref)
end

--- Judges `test(a, b)` over all that both tokens may stand for.
function edges.judge(claim, first, second, negated, test, say)
  local verdict, fact, n = nil, nil, 0
  local is_pronoun = first.pronoun or second.pronoun
  for _, a in ipairs(ends(claim, first)) do
    for _, b in ipairs(ends(claim, second)) do
      local value = test(a, b)
      local ok = nil
      if value ~= nil then ok = value ~= negated end
      if is_pronoun and ok ~= false then return ok end
      n = n + 1
      if n > 1 and ok ~= verdict then return nil end
      verdict = ok
      if ok == false and not fact then fact = say(a, b) end
    end
  end
  return verdict, fact
end

--- The key between two tables, whichever way it leads.
function edges.pair_said(claim, x, y)
  local edge = edges.of(claim, { ref = x.ref }, { ref = y.ref }) or edges.of(claim, { ref = y.ref }, { ref = x.ref })
  return edge and edges.said(edge) or ("no foreign key leads from %s to %s"):format(x.ref, y.ref)
end

return edges
