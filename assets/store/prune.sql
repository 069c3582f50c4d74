-- Removes the runs from a run store that were sealed more than {days} days ago, and what no other run has (docs/store.md). For its
-- owner. Copies on the machines of members stay. Members who write meanwhile wait: best when few runs are at work.
BEGIN;
-- Nobody names a file whose content is being removed.
LOCK TABLE drygate.run, drygate.line, drygate.file, drygate.content IN SHARE ROW EXCLUSIVE MODE;
CREATE TEMPORARY TABLE drygate_pruned ON COMMIT DROP AS
SELECT run.run_id
  FROM drygate.run
 WHERE run.manifest_sha256 IS NOT NULL
   AND (SELECT max(file.written_at) FROM drygate.file WHERE file.run_id = run.run_id AND file.path = 'manifest.sha256')
       < now() - {days} * interval '1 day';
DELETE FROM drygate.line USING drygate_pruned WHERE line.run_id = drygate_pruned.run_id;
DELETE FROM drygate.file USING drygate_pruned WHERE file.run_id = drygate_pruned.run_id;
DELETE FROM drygate.run USING drygate_pruned WHERE run.run_id = drygate_pruned.run_id;
DELETE FROM drygate.content WHERE NOT EXISTS (SELECT FROM drygate.file WHERE file.sha256 = content.sha256);
SELECT run_id AS removed FROM drygate_pruned ORDER BY run_id;
COMMIT;
