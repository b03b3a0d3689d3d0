--- proposals: relations that no key declares, asked of the model.
---
--- The model sees one group of tables in full and of all others what theirs may refer to, so that a
--- large schema fits. What it proposes is verified (nlsql.relations) before it is asked for a second
--- opinion, and kept where the confidence is high enough.

local catalog = require "nlsql.catalog"
local jobs = require "nlsql.jobs"
local reader = require "nlsql.relationreader"
local relations = require "nlsql.relations"
local replies = require "nlsql.replies"
local words = require "nlsql.grammar.words"

local proposals = {}

--- Tables of a group at most, and the rows of each that the model may be shown.
local GROUP, SAMPLE_ROWS = 20, 2

--- Columns of a table without keys that are listed, at most.
local KEYLESS_COLUMNS = 12

local RELATIONS_SCHEMA = {
  name = "relations",
  schema = {
    type = "object", additionalProperties = false, required = { "relations" },
    properties = {
      relations = {
        type = "array",
        items = {
          type = "object", additionalProperties = false,
          required = { "from_table", "from_columns", "to_table", "to_columns", "reason" },
          properties = {
            from_table = { type = "string" }, from_columns = { type = "array", items = { type = "string" } },
            to_table = { type = "string" }, to_columns = { type = "array", items = { type = "string" } },
            reason = { type = "string" },
          },
        },
      },
    },
  },
}

local OPINION_SCHEMA = {
  name = "opinion",
  schema = {
    type = "object", additionalProperties = false, required = { "related", "reason" },
    properties = { related = { type = "boolean" }, reason = { type = "string" } },
  },
}

--- --- groups --------------------------------------------------------------------------------------

--- The tables with columns, in groups whose schema takes half of what a prompt may spend on it; in the
--- order of the catalog.
---@param ctx nlsql.Context
---@return string[][]
function proposals.groups(ctx)
  local out, group, spent = {}, nil, 0
  local most = ctx.settings.schema_tokens // 2
  for _, ref in ipairs(ctx.schema:names()) do
    if #ctx.schema:table(ref).columns > 0 then
      local _, _, tokens = ctx.schema:render { format = "json", tables = { ref } }
      if not group or #group == GROUP or spent + tokens > most then
        group, spent = {}, 0
        out[#out + 1] = group
      end
      group[#group + 1] = ref
      spent = spent + tokens
    end
  end
  return out
end

local function typed(t, names)
  local types, out = {}, {}
  for _, column in ipairs(t.columns) do types[column.name] = column.type end
  for i, name in ipairs(names) do out[i] = ("%s %s"):format(catalog.quote(name), types[name] or "?") end
  return table.concat(out, ", ")
end

--- One line about what a table's columns may be referred to by: its keys, or all columns where it has none.
local function key_line(t)
  local keys, seen = {}, {}
  local function add(key)
    local text = key and #key > 0 and typed(t, key)
    if text and not seen[text] then
      seen[text] = true
      keys[#keys + 1] = "(" .. text .. ")"
    end
  end
  add(t.primary)
  for _, key in ipairs(t.uniques) do add(key) end
  if #keys > 0 then return ("- %s: key %s"):format(t.reference, table.concat(keys, ", key ")) end
  local names = {}
  for i, column in ipairs(t.columns) do names[i] = i <= KEYLESS_COLUMNS and column.name or nil end
  return ("- %s: columns (%s)"):format(t.reference, typed(t, names))
end

local directories = setmetatable({}, { __mode = "k" })

--- A line about each table that has columns, in the order of the catalog: {ref=, text=, tokens=, called=
--- the words of its name, columns= those of its columns}. Made once for a schema.
local function directory(schema)
  if directories[schema] then return directories[schema] end
  local out = {}
  for _, ref in ipairs(schema:names()) do
    local t = schema:table(ref)
    if #t.columns > 0 then
      local line = { ref = ref, text = key_line(t), at = #out + 1, called = {}, columns = {} }
      line.tokens = catalog.tokens(line.text) + 1
      for i, word in ipairs(words.split(t.name)) do line.called[i] = words.singular(word) end
      for _, column in ipairs(t.columns) do
        for _, word in ipairs(words.split(column.name)) do line.columns[words.singular(word)] = true end
      end
      out[#out + 1], out[ref] = line, line
    end
  end
  directories[schema] = out
  return out
end

--- The lines about all tables outside a group; where they are too many, those first whose names the
--- group's columns share a word with, and a sentence about the rest.
local function others_of(ctx, group)
  local lines, inside, called = directory(ctx.schema), {}, {}
  for _, ref in ipairs(group) do
    inside[ref] = true
    for word in pairs(lines[ref].columns) do called[word] = true end
  end
  local near, far, out = {}, {}, {}
  for _, line in ipairs(lines) do
    if not inside[line.ref] then
      local is_near = false
      for _, word in ipairs(line.called) do is_near = is_near or called[word] or false end
      local list = is_near and near or far
      list[#list + 1] = line
    end
  end
  local spent, most = 0, ctx.settings.schema_tokens // 2
  for _, line in ipairs(table.move(far, 1, #far, #near + 1, near)) do
    spent = spent + line.tokens
    if spent > most then break end
    out[#out + 1] = line
  end
  local cut = #near - #out
  table.sort(out, function(x, y) return x.at < y.at end)
  for i, line in ipairs(out) do out[i] = line.text end
  return #out > 0 and table.concat(out, "\n"), cut > 0 and ("%d tables are left out"):format(cut)
end

--- --- asking --------------------------------------------------------------------------------------

local function bullets(list) return #list > 0 and "- " .. table.concat(list, "\n- ") or false end

--- What is known of a group: the relations from its tables, in the order of the catalog.
local function known_of(ctx, group)
  local inside, out = {}, {}
  for _, ref in ipairs(group) do inside[ref] = true end
  for _, relation in ipairs(relations.known(ctx)) do
    if inside[relation.from] then out[#out + 1] = relations.text(relation) end
  end
  return out
end

local function sample_of(ctx, refs)
  return ctx.opt.use_sample_rows and ctx:sample(refs, SAMPLE_ROWS) or false
end

--- The messages that ask for `count` relations of a group.
---@param ctx nlsql.Context
---@param group string[]
---@param count integer
---@param judged string[]    what was proposed before and became of it
---@return table[]?, string?
function proposals.messages(ctx, group, count, judged)
  local schema_json, cut = ctx:schema_json(group)
  local others, others_cut = others_of(ctx, group)
  return ctx:render(ctx.opt.prompt_template, {
    schema_json = schema_json, cut = cut or false, others = others, others_cut = others_cut,
    sample_rows = sample_of(ctx, group), known = bullets(known_of(ctx, group)), judged = bullets(judged), count = count,
  })
end

--- Asks for a second opinion on a relation that the data bears out: { related=, reason= }, or { gave_up= } where
--- there was no answer. nil, message, code where the run cannot go on.
---@param ctx nlsql.Context
---@param item table
---@param relation nlsql.Relation
---@param evidence nlsql.Evidence
---@return { related: boolean?, reason: string?, gave_up: string? }?, string?, string?
function proposals.opinion(ctx, item, relation, evidence)
  local tables = relation.from == relation.to and { relation.from } or { relation.from, relation.to }
  local schema_json, cut = ctx:schema_json(tables)
  local messages, why = ctx:render(ctx.opt.opinion_template, {
    schema_json = schema_json, cut = cut or false, sample_rows = sample_of(ctx, tables),
    child = relations.side(relation.from, relation.columns), parent = relations.side(relation.to, relation.referred),
    distinct = evidence.distinct, rows = evidence.rows, orphans = evidence.orphans, sampled = evidence.sampled,
    by_accident = relations.by_accident(evidence),
  })
  if not messages then return nil, why, "config" end
  local reply, message, code = ctx.llm:chat {
    purpose = "relation_opinion", item = item.key, messages = messages, schema = OPINION_SCHEMA, temperature = 0,
    task = { kind = "relation_opinion" }, keep = function(got) return reader.opinion(got.content) ~= nil end,
  }
  if not reply then return nil, message, code end
  if reply.gave_up then return { gave_up = reply.message } end
  local related, reason = reader.opinion(reply.content)
  return { related = related, reason = reason }
end

--- --- judging -------------------------------------------------------------------------------------

---@class nlsql.Judged
---@field relation nlsql.Relation?  nil where the claim names what there is not
---@field claim nlsql.RelationClaim
---@field from string           the referring side, in a text
---@field to string
---@field evidence nlsql.Evidence?
---@field refused { gate: string, reason: string }?
---@field confidence number?
---@field reasons string[]?
---@field opinion boolean?
---@field opinion_reason string?

--- The claim as a line: as the schema has it, or as it was written where it names what there is not.
---@param one nlsql.Judged
---@return string from, string to
function proposals.sides(one)
  local relation, claim = one.relation, one.claim
  if relation then
    return relations.side(relation.from, relation.columns), relations.side(relation.to, relation.referred)
  end
  local function written(ref, columns)
    return #columns == 1 and ref .. "." .. columns[1] or ("%s (%s)"):format(ref, table.concat(columns, ", "))
  end
  return written(claim.from, claim.columns), written(claim.to, claim.referred)
end

local function below(ctx, what, confidence, reasons)
  return { gate = "untrue", reason = ("%s %.2f, below %.2f: %s"):format(what, confidence, ctx.opt.min_confidence,
    table.concat(reasons, "; ")) }
end

--- The verdict on a claim whose columns exist. The model is not asked where its yes would be too little.
local function judge(ctx, item, claim, relation)
  local out = { claim = claim, relation = relation }
  local evidence, refused, message, code = relations.verify(ctx, relation, ctx.opt)
  if message then return nil, message, code end
  out.evidence, out.refused = evidence, refused
  if refused then return out end
  out.names = relations.names(ctx.schema, relation)
  local most, reasons = relations.score(evidence, out.names, true)
  if most < ctx.opt.min_confidence then
    reasons[#reasons] = nil
    out.refused = below(ctx, "confidence at most", most, reasons)
    return out
  end
  local opinion
  opinion, message, code = proposals.opinion(ctx, item, relation, evidence)
  if not opinion then return nil, message, code end
  if opinion.gave_up then return nil, opinion.gave_up, "gave_up" end
  out.opinion, out.opinion_reason = opinion.related, opinion.reason
  out.confidence, out.reasons = relations.score(evidence, out.names, opinion.related)
  if out.confidence < ctx.opt.min_confidence then
    if opinion.related == false then table.insert(out.reasons, 2, opinion.reason) end
    out.refused = below(ctx, "confidence", out.confidence, out.reasons)
  end
  return out
end

--- What a claim is about, as far as that can be told without asking the data: a judged claim where it
--- names what there is not, or is known; nil where it was there before; else a relation.
local function look_up(ctx, claim, known, told)
  local relation, why = relations.find(ctx.schema, claim)
  if not relation then return { claim = claim, refused = { gate = "grounded", reason = why } } end
  if told:find(relation) then return nil end
  told:add(relation)
  local same, reversed = known:find(relation)
  if same then
    return { claim = claim, relation = relation, refused = { gate = "unique", reason = reversed
      and ("it is %s, seen from the other side"):format(relations.text(same))
      or ("%s is known already"):format(relations.text(same)) } }
  end
  return { claim = claim, relation = relation, open = true }
end

--- Judges the claims of one reply, in its order. `told`: those of earlier turns, to which these are
--- added. nil, message, code where the run cannot go on; code "gave_up" where the model did not answer.
---@param ctx nlsql.Context
---@param item table
---@param claims nlsql.RelationClaim[]
---@param told nlsql.RelationSet
---@return nlsql.Judged[]?, string?, string?
function proposals.judge(ctx, item, claims, told)
  local known, list, stop = relations.set(), {}, nil
  for _, relation in ipairs(relations.known(ctx)) do known:add(relation) end
  for _, claim in ipairs(claims) do list[#list + 1] = look_up(ctx, claim, known, told) end
  local judged = jobs.map(list, ctx.settings.db_concurrent_sessions * 2, function(one)
    if stop or not one.open then return one end
    local out, message, code = judge(ctx, item, one.claim, one.relation)
    if not out then stop = stop or { message, code } end
    return out or one
  end)
  if stop then return nil, stop[1], stop[2] end
  for _, one in ipairs(judged) do one.from, one.to = proposals.sides(one) end
  return judged
end

--- --- a turn --------------------------------------------------------------------------------------

--- Adds what became of the claims to what is told with the next request; false: it was all told before.
local function remember(state, judged, became)
  local seen, fresh = {}, false
  for _, line in ipairs(became) do seen[line] = true end
  for _, one in ipairs(judged) do
    local line = ("%s -> %s (%s)"):format(one.from, one.to, one.refused and "refused: " .. one.refused.reason or "accepted")
    if not seen[line] then
      seen[line], fresh = true, true
      state.told[#state.told + 1] = { relation = one.relation, became = line }
    end
  end
  return fresh
end

--- One turn: asks for up to `count` relations of the item's tables and judges them. `state` is kept
--- from turn to turn. Returns the judged claims and { over=, unread=, gave_up= } as a phase's run does.
---@param ctx nlsql.Context
---@param item table
---@param count integer
---@param state table  { told = {{relation=, became=}…}, sample= }
---@return nlsql.Judged[]?, table|string, string?
function proposals.turn(ctx, item, count, state)
  local told, became = relations.set(), {}
  for i, one in ipairs(state.told) do
    if one.relation then told:add(one.relation) end
    became[i] = one.became
  end
  local messages, why = proposals.messages(ctx, item.tables, count, became)
  if not messages then return nil, why --[[@as string]], "config" end
  local reply, message, code = ctx.llm:chat {
    purpose = "relations", item = item.key, messages = messages, schema = RELATIONS_SCHEMA, sample = state.sample,
    task = { kind = "relations", tables = item.tables, count = count },
    keep = function(got) return #reader.claims(got.content) > 0 end,
  }
  if not reply then return nil, message, code end
  if reply.gave_up then return {}, { gave_up = reply.message } end
  local claims, found, unread = reader.claims(reply.content)
  if #claims == 0 then
    state.sample = state.sample + 1
    if found == "none" or reply.exhausted then return {}, { over = true } end
    return {}, { unread = #unread > 0 and unread or { { reason = replies.nothing(reply.outcome, found, "relation") } } }
  end
  for i = count + 1, #claims do
    unread[#unread + 1] = { reason = ("more than the %d relations that were asked for"):format(count) }
    claims[i] = nil
  end
  local judged
  judged, message, code = proposals.judge(ctx, item, claims, told)
  if not judged then
    if code == "gave_up" then return {}, { gave_up = message } end
    return nil, message, code
  end
  state.sample = 1
  return judged, { unread = unread, over = not remember(state, judged, became) }
end

return proposals
