--- schema_relationship: how columns are related: along declared keys, and along relations that no key
--- declares but the data bears out.
---
--- Undeclared ones are looked for in the data first (see scripts/nlsql/discovery.lua).
---
--- Each relation makes two pairs, one for each direction. Undeclared ones are proposed by the model and
--- verified (see scripts/nlsql/relations.lua, also for the confidence, which is kept in the store).
local containment = require "nlsql.containment"
local proposals = require "nlsql.proposals"
local providers = require "nlsql.providers"
local relations = require "nlsql.relations"

--- The two pairs of a relation; `known` is what the store keeps.
local function pairs_of(relation, known)
  local from, to = relations.side(relation.from, relation.columns), relations.side(relation.to, relation.referred)
  local there, back = " -> ", " <- "
  if relation.mutual then there, back = " <-> ", " <-> " end
  local tables = relation.from == relation.to and { relation.from } or { relation.from, relation.to }
  local function pair(a, arrow, b, direction)
    local facts = { relation = relations.text(relation), direction = direction }
    for name, value in pairs(known) do facts[name] = value end
    return { question = ("How is %s related to %s?"):format(a, b), answer = a .. arrow .. b, verified = true,
      tables = tables, known = facts }
  end
  return pair(from, there, to, "forward"), pair(to, back, from, "reverse")
end

local function refused_pair(from, to, refused)
  return { question = ("How is %s related to %s?"):format(from, to), answer = from .. " -> " .. to, refused = refused }
end

--- Score below which a model, where there is one, is asked what it thinks of a relation that was found.
local SURE = 0.95

--- The score of a relation that was found in the data, and what the model thinks of it.
local function judge_found(ctx, item, relation, evidence)
  local found = relation.found
  local facts = { discovered = true, confidence = found.score, reasons = found.reasons }
  if found.score < SURE and providers.of(ctx.settings).reads_prompts then
    local opinion, message, code = proposals.opinion(ctx, item, relation, evidence)
    if not opinion then return nil, nil, message, code end
    facts.opinion, facts.opinion_reason = opinion.related, opinion.reason
    facts.confidence = relations.after_opinion(found.score, opinion.related)
  end
  if facts.confidence < ctx.opt.min_confidence then
    local why = facts.opinion == false and "the second opinion does not agree: " .. (facts.opinion_reason or "no reason given")
      or table.concat(found.reasons, "; ")
    return nil, { gate = "untrue", reason = ("confidence %.2f, below %.2f: %s"):format(facts.confidence,
      ctx.opt.min_confidence, why) }
  end
  return facts
end

--- The pairs of the relations that need no proposal. Only the database's own word is taken for one.
local function known_pairs(ctx, item)
  local out = {}
  for _, relation in ipairs(item.relations) do
    local evidence, refused, facts, message, code
    if not relation.declared then
      evidence, refused, message, code = relations.verify(ctx, relation, ctx.opt)
      if message then return nil, message, code end
    end
    if relation.found and not refused then
      facts, refused, message, code = judge_found(ctx, item, relation, evidence)
      if message then return nil, message, code end
    end
    if refused then
      out[#out + 1] = refused_pair(relations.side(relation.from, relation.columns),
        relations.side(relation.to, relation.referred), refused)
    else
      local one_to_one = containment.is_key(ctx.schema:table(relation.from), relation.columns)
      facts = facts or { confidence = evidence and 0.99 * evidence.share or 1.0, by_hand = relation.by_hand or nil,
        foreign_key = relation.name }
      facts.declared, facts.evidence = relation.declared, evidence
      local found_so = relation.found and relation.found.evidence.cardinality == "one_to_one"
      facts.cardinality = (one_to_one or found_so) and "one_to_one" or "many_to_one"
      local there, back = pairs_of(relation, facts)
      out[#out + 1], out[#out + 2] = there, back
    end
  end
  return out, { over = true }
end

--- What the model proposed, as candidates: two for a relation that is kept, one that says why for
--- another.
local function proposed_pairs(ctx, judged)
  local out = {}
  for _, one in ipairs(judged) do
    if one.refused then
      out[#out + 1] = refused_pair(one.from, one.to, one.refused)
    else
      local evidence, relation = one.evidence, one.relation
      local unique = not evidence.sampled and evidence.distinct == evidence.rows
        or containment.is_key(ctx.schema:table(relation.from), relation.columns)
      local there, back = pairs_of(relation, {
        declared = false, confidence = one.confidence, reasons = one.reasons, evidence = evidence, names = one.names,
        proposed_because = one.claim.reason, opinion = one.opinion, opinion_reason = one.opinion_reason,
        cardinality = unique and "one_to_one" or "many_to_one",
      })
      out[#out + 1], out[#out + 2] = there, back
    end
  end
  return out
end

--- The relations that are told of without a proposal. What the data shows but weakly waits for a model's word.
local function worth_telling(ctx)
  local out = {}
  for _, relation in ipairs(relations.known(ctx)) do
    local weak = relation.found and relation.found.score < ctx.opt.min_confidence
    if not weak or providers.of(ctx.settings).reads_prompts then out[#out + 1] = relation end
  end
  return out
end

--- Emits an item for each table that is known to refer to others.
local function plan_known(ctx, emit)
  local by_table, order, doubted = {}, {}, {}
  for _, relation in ipairs(worth_telling(ctx)) do
    if not by_table[relation.from] then
      by_table[relation.from] = {}
      order[#order + 1] = relation.from
    end
    table.insert(by_table[relation.from], relation)
    doubted[relation.from] = doubted[relation.from] or not relation.declared or nil
  end
  for _, ref in ipairs(order) do
    emit { key = "keys of " .. ref, tables = { ref }, relations = by_table[ref], count = 2 * #by_table[ref],
      at_most = doubted[ref] }
  end
end

--- Emits an item for each group of tables that the model is asked about; they share `count` evenly.
local function plan_proposals(ctx, emit)
  local groups, count = proposals.groups(ctx), ctx.opt.count
  for i, group in ipairs(groups) do
    local share = i * count // #groups - (i - 1) * count // #groups
    if share > 0 then
      emit { key = ("undeclared %d: %s to %s"):format(i, group[1], group[#group]), tables = group, count = 2 * share,
        at_most = true }
    end
  end
  if count < #groups then
    ctx:log(("the model is asked about %d of %d groups of tables: count is %d"):format(count, #groups, count))
  end
end

---@type nlsql.Phase
return {
  name    = "schema_relationship",
  summary = "How columns are related, by declared keys and by what the data bears out",
  relations = true, -- those that no key declares are looked for in the data
  pairs   = "question_answer",
  options = {
    count            = { 100, "undeclared relations that the model is asked for, in all", { min = 1 } },
    n_rows           = { 500, "distinct values that are looked up where a table is too large to read whole",
                         { min = 1, max = 100000 } },
    min_containment  = { 0.95, "share of the values that the other side must have", { min = 0, max = 1 } },
    min_confidence   = { 0.6, "confidence from which on an undeclared relation is kept", { min = 0, max = 1 } },
    max_attempts     = { 6, "turns of one conversation at most", { min = 1 } },
    use_sample_rows  = { true, "show the model a few rows of each table (where config allows it)" },
    prompt_template  = { "schema_relationship", "the prompt: a file of prompts/, without .txt" },
    opinion_template = { "relation_opinion", "the prompt for a second opinion: a file of prompts/, without .txt" },
  },

  --- One item for each table with declared keys; then one for each group of tables that the model is
  --- asked about, which share `count`.
  plan = function(ctx, emit)
    local provider = providers.of(ctx.settings)
    if not provider.reads_prompts and #worth_telling(ctx) == 0 then
      local off = ctx.settings.discover == "off"
      return nil, "no relations are declared, and " .. (off and "discover: off leaves out those that the data shows"
        or "the data shows none") .. "; " .. provider.words .. " proposes none: a model does (set OPENAI_API_KEY, or "
        .. "OPENAI_BASE_URL for a server of your own)", "not_found"
    end
    plan_known(ctx, emit)
    if not provider.reads_prompts then
      ctx:log(("only declared keys and what the data shows are told of: %s proposes no others"):format(provider.words))
      return
    end
    plan_proposals(ctx, emit)
  end,

  run = function(ctx, item)
    if item.relations then return known_pairs(ctx, item) end
    item.state = item.state or { told = {}, sample = 1 }
    local judged, info, code = proposals.turn(ctx, item, math.ceil(item.missing / 2), item.state)
    if not judged then return nil, info, code end
    return proposed_pairs(ctx, judged), info
  end,
}
