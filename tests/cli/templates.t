A template of the project's own that is not one: the run ends with the place, what was found and what
was expected; so do the plan and an experiment. Nothing is written.

  $ mkdir prompts
  $ cat >session.sh <<'END'
  > offline() { "$@" --provider offline --set total_table_pairs=2 --quiet; echo "[$?]"; }
  > template() { cat >"prompts/$1.txt"; }
  > echo "an unknown placeholder:"
  > printf '### user:\nWrite {{count}} questions about\n{{shema_json}}\n' | template join_sql
  > offline nlsql run joins
  > offline nlsql run joins --dry-run
  > offline nlsql try joins
  > echo "no role:"
  > printf 'Write {{count}} questions.\n' | template join_sql
  > offline nlsql run joins
  > printf '### sistem:\nWrite {{count}} questions.\n' | template join_sql
  > offline nlsql run joins
  > echo "a section without an end:"
  > printf '### user:\nWrite {{count}} questions.\n{{#cut}}\nMore.\n' | template join_sql
  > offline nlsql run joins
  > rm prompts/join_sql.txt
  > echo "no such template, and one of another purpose:"
  > offline nlsql run joins --set prompt_template=join_sq
  > offline nlsql run joins --set prompt_template=critic
  > echo "those of the other requests:"
  > printf '### user:\nHello {{name}}\n' | template join_set
  > offline nlsql run joins
  > rm prompts/join_set.txt
  > printf '### user:\nMend {{query}}\n' | template critic
  > offline nlsql run joins --set offline.error_rate=1
  > printf '### user:\n{{more}} of them\n' | template follow
  > rm prompts/critic.txt
  > offline nlsql run joins --set api_answer_count=2 --count 5
  > END
  $ nlsql lua "$SOURCE_DIR/tests/cli/with_shop.lua" bash session.sh >said 2>&1
  $ grep '^error\|^\[\|^[a-z].*:$' said
  an unknown placeholder:
  error: prompts/join_sql.txt:3: {{shema_json}} is not given to this template (given: count, cut, examples, language, min_joins, notes, sample_rows, schema_json)
  [3]
  error: prompts/join_sql.txt:3: {{shema_json}} is not given to this template (given: count, cut, examples, language, min_joins, notes, sample_rows, schema_json)
  [3]
  error: prompts/join_sql.txt:3: {{shema_json}} is not given to this template (given: count, cut, examples, language, min_joins, notes, sample_rows, schema_json)
  [3]
  no role:
  error: prompts/join_sql.txt:1: there is no role line ("### system:", "### user:" or "### assistant:")
  [3]
  error: prompts/join_sql.txt:1: there is no role "sistem" (did you mean "### system:"?)
  [3]
  a section without an end:
  error: prompts/join_sql.txt:3: {{#cut}} is not closed by {{/cut}} before the message ends
  [3]
  no such template, and one of another purpose:
  error: prompts/join_sq.txt: there is no such template (did you mean "join_sql"?)
  [3]
  error: prompts/critic.txt:5: {{gate}} is not given to this template (given: count, cut, examples, language, min_joins, notes, sample_rows, schema_json)
  [3]
  those of the other requests:
  error: prompts/join_set.txt:2: {{name}} is not given to this template (given: cut, examples, language, min_joins, notes, schema_json, total_table_pairs)
  [3]
  error: prompts/critic.txt:2: {{query}} is not given to this template (given: detail, examples, gate, language, notes, question, reason, schema_json, sql)
  [3]
  error: prompts/follow.txt:2: {{more}} is not given to this template (given: count, examples, faults, language, notes); 2 pairs are safe * (glob)
  [3]
