--- relations: how well `nlsql relations` finds what belongs together, without a model.
--- usage: ./dev quality [FOLDER] [--only NAME] [--seed N] [--details]
---
--- Every database loses its foreign keys first; they, or what people's queries join on, are the truth. Then
--- the same with every identifier given a name without meaning ("renamed"), and with the names dealt to
--- others ("shuffled"), the keys' values permuted in both: what is left is the data's own evidence.
local databases = require "tests.quality.databases"
local json = require "nlsql.json"
local jobs = require "nlsql.jobs"
local pg = require "nlsql.pg"
local rewrite = require "tests.quality.rewrite"
local score = require "tests.quality.score"
local support = require "tests.lua.support"

local function say(format, ...) io.stdout:write(format:format(...), "\n") io.stdout:flush() end

local function options()
  local out, i = { seed = 1 }, 1
  while arg[i] do
    local word = arg[i]
    if word == "--details" then
      out.details = true
    elseif word == "--only" or word == "--seed" then
      i = i + 1
      local value = arg[i]
      if word == "--seed" then value = math.tointeger(tonumber(value)) end
      if not value then
        io.stderr:write(("quality: %s needs a %s\n"):format(word, word == "--seed" and "whole number" or "name"))
        os.exit(2)
      end
      out[word:sub(3)] = value
    elseif word:sub(1, 1) == "-" or out.folder then
      io.stderr:write(("quality: %s is no option; see ./dev help\n"):format(word))
      os.exit(2)
    else
      out.folder = word
    end
    i = i + 1
  end
  return out
end

--- A relation of the program's JSON, as score has them.
local function read(relation)
  local function side(s) return s.schema .. "." .. s.table, s.columns end
  local out = { score = relation.score }
  out.from, out.columns = side(relation.from)
  out.to, out.referred = side(relation.to)
  return out
end

--- What the program finds: those above its threshold, all, and the seconds that the first took.
local function found(url)
  local lists, seconds = {}, nil
  local dir = support.temp_dir()
  for i, words in ipairs { { "relations", "--json" }, { "relations", "--json", "--all" } } do
    local started = jobs.now()
    local code, out, err = support.nlsql(dir, words, { DATABASE_URL = url })
    jobs.sleep(0)
    seconds = seconds or jobs.now() - started
    if code ~= 0 then error(("nlsql relations ended with %s:\n%s%s"):format(code, out, err), 0) end
    lists[i] = {}
    for k, relation in ipairs(assert(json.decode(out)).relations) do lists[i][k] = read(relation) end
  end
  os.execute("rm -rf " .. dir)
  return lists[1], lists[2], seconds
end

local function percent(x) return ("%.0f%%"):format(100 * x) end

local function details(figures)
  for _, relation in ipairs(figures.missed) do say("      missed  %s", score.text(relation)) end
  for _, relation in ipairs(figures.wrong) do say("      wrong   %.2f %s", relation.score, score.text(relation)) end
end

--- One line of the report.
local function judge(database, names, url, rename, opt)
  local truth, also = {}, {}
  for i, relation in ipairs(database.truth) do truth[i] = rename(relation) end
  for i, relation in ipairs(database.also) do also[i] = rename(relation) end
  local how = { also = also, joins = database.joins }
  local sure, all, seconds = found(url)
  local figures = score.figures(sure, truth, how)
  local best, cut = score.recall_at(all, truth, 0.8, how)
  say("%-9s %-9s %5d %6s %9s %7s %15s %6d %7.1f", names == "own" and database.name or "", names, #truth,
    percent(figures.recall), percent(figures.precision), percent(figures.strict),
    percent(best) .. (cut and (" (%.2f)"):format(cut) or ""), #all, seconds)
  if opt.details then details(figures) end
  return { recall = figures.recall, precision = figures.precision, at = best }
end

local function measure(name, opt, dir)
  local database = databases.make(name, opt.folder, dir)
  if database.unread > 0 then say("%s: %d joins of the gold queries could not be read", name, database.unread) end
  local out = { own = judge(database, "own", database.url, function(relation) return relation end, opt) }
  local right = {}
  for _, list in ipairs { database.truth, database.also } do table.move(list, 1, #list, #right + 1, right) end
  for _, names in ipairs { "renamed", "shuffled" } do
    local url = databases.copy("q_" .. name, ("q_%s_%s"):format(name, names), dir)
    local db = assert(pg.open(url))
    local sql, rename = rewrite.plan(db, right, { seed = opt.seed, names = names })
    db:close()
    support.write(dir .. "/rewrite.sql", sql)
    databases.psql(url, dir .. "/rewrite.sql")
    out[names] = judge(database, names, url, rename, opt)
  end
  return out
end

local function main()
  local opt = options()
  if not opt.folder and support.read("../shared/data/chinook.sql") then opt.folder = "../shared/data" end
  local names = opt.only and { opt.only } or databases.names(opt.folder)
  say("relations without a model; seed %d; %s", opt.seed, opt.folder and "with the databases of " .. opt.folder
    or "no folder of further databases (chinook, academic, yelp, broker) was given")
  say("%-9s %-9s %5s %6s %9s %7s %15s %6s %7s", "database", "names", "truth", "recall", "precision", "strict",
    "recall at p0.8", "listed", "seconds")
  local dir = support.temp_dir()
  for _, name in ipairs(names) do measure(name, opt, dir) end
  os.execute("rm -rf " .. dir)
  say("recall, precision: of those above the threshold. strict: what is right though nobody asked for it counts as "
    .. "wrong. recall at p0.8: the best with a precision of at least 0.8, and the score to cut at.")
end

main()
