output "key_arn" {
  description = "Key of volumes and buckets."
  value       = aws_kms_key.this.arn
}

output "backup_bucket" {
  description = "Bucket for backups."
  value       = aws_s3_bucket.this["backups"].bucket
}

output "log_bucket" {
  description = "Bucket for logs."
  value       = aws_s3_bucket.this["logs"].bucket
}
