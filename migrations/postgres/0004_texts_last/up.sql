-- PostgreSQL keeps long texts apart whatever the order of the columns.
COMMENT ON COLUMN briefs.body IS 'CommonMark';
COMMENT ON COLUMN briefs.body_html IS 'The same as sanitised HTML';
