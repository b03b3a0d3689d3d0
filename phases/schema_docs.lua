--- schema_docs: questions about the schema itself, answered in words.
---
--- There is no query to run, so what an answer says is held against the catalog (scripts/nlsql/claims.lua):
--- a table or column that is named must exist (`grounded`), and stated types, keys, NULL and relations
--- must be those of the catalog (`untrue`).

--- Tables along foreign keys that a prompt shows besides its own.
local NEIGHBOURS = 12

--- Foreign keys from and to each table, as lists of the tables at their other ends.
local function neighbours_of(ctx)
  local near = {}
  for _, edge in ipairs(ctx.schema:edges()) do
    for _, ends in ipairs { { edge.from, edge.to }, { edge.to, edge.from } } do
      near[ends[1]] = near[ends[1]] or {}
      table.insert(near[ends[1]], ends[2])
    end
  end
  return near
end

--- Shares `count` among tables by weight: whole numbers that add up to it. Each table gets one at least;
--- where there are more tables than pairs, the heaviest get one each.
local function shares(count, refs, weights)
  local order, total = {}, 0
  for i, ref in ipairs(refs) do
    order[i] = i
    total = total + weights[ref]
  end
  local out = {}
  if count <= #refs then
    table.sort(order, function(a, b)
      if weights[refs[a]] ~= weights[refs[b]] then return weights[refs[a]] > weights[refs[b]] end
      return a < b
    end)
    for k = 1, count do out[order[k]] = 1 end
    return out
  end
  local spare, given, rest = count - #refs, 0, {}
  for i, ref in ipairs(refs) do
    local exact = spare * weights[ref] / total
    out[i], rest[i] = 1 + math.floor(exact), exact - math.floor(exact)
    given = given + out[i]
  end
  table.sort(order, function(a, b)
    if rest[a] ~= rest[b] then return rest[a] > rest[b] end
    return a < b
  end)
  for k = 1, count - given do out[order[k]] = out[order[k]] + 1 end
  return out
end

--- The table first, then its neighbours, each once.
local function shown_tables(item)
  local seen, out = {}, {}
  for _, ref in ipairs { item.tables[1], table.unpack(item.near) } do
    if not seen[ref] and #out <= NEIGHBOURS then
      seen[ref] = true
      out[#out + 1] = ref
    end
  end
  return out
end

---@type nlsql.Phase
return {
  name    = "schema_docs",
  summary = "Questions about the schema itself, answered in words",
  pairs   = "question_answer",
  options = {
    count            = { 800, "pairs wanted in all, shared among the tables", { min = 1 } },
    api_answer_count = { 100, "pairs asked for in one reply", { min = 1 } },
    max_attempts     = { 6, "turns of one conversation at most", { min = 1 } },
    prompt_template  = { "schema_docs", "the prompt: a file of prompts/, without .txt" },
  },

  --- One item for each table; a table with more columns and keys has more to tell.
  plan = function(ctx, emit)
    local refs, near, weights = ctx.schema:names(), neighbours_of(ctx), {}
    for _, ref in ipairs(refs) do weights[ref] = 2 + #ctx.schema:table(ref).columns + #(near[ref] or {}) end
    local share = shares(ctx.opt.count, refs, weights)
    for i, ref in ipairs(refs) do
      if share[i] then emit { key = ref, tables = { ref }, count = share[i], near = near[ref] or {} } end
    end
  end,

  prompt = function(ctx, item)
    local schema_json, cut = ctx:schema_json(shown_tables(item))
    return ctx:render(ctx.opt.prompt_template, {
      schema_json = schema_json,
      cut         = cut or false,
      table       = item.tables[1],
      neighbours  = #item.near > 0,
      count       = math.min(ctx.opt.api_answer_count, item.missing),
    })
  end,
}
