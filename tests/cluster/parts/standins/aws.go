package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

var errNoEntry = errors.New("Secret does not exist")

// secretsManager reads entries by the AWS API.
type secretsManager struct{ url string }

// store is where a SecretStore says that entries are.
type store struct{ region, prefix string }

// get reads one entry; a version is a stage, or `uuid/` and the id of an exact version.
func (m *secretsManager) get(ctx context.Context, from store, reference map[string]any) (string, error) {
	name, _ := reference["key"].(string)
	asked := map[string]string{"SecretId": from.prefix + name}
	if version, _ := reference["version"].(string); strings.HasPrefix(version, "uuid/") {
		asked["VersionId"] = strings.TrimPrefix(version, "uuid/")
	} else if version != "" {
		asked["VersionStage"] = version
	}
	body, err := json.Marshal(asked)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, m.url+"/", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", "secretsmanager.GetSecretValue")
	// moto reads the region out of this header and checks no signature.
	request.Header.Set("Authorization", fmt.Sprintf(
		"AWS4-HMAC-SHA256 Credential=standin/20260101/%s/secretsmanager/aws4_request, "+
			"SignedHeaders=host, Signature=none", from.region))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return "", err
	}
	var said struct {
		SecretString string
		Type         string `json:"__type"`
		Message      string `json:"message"`
	}
	if err = json.Unmarshal(answer, &said); err != nil {
		return "", fmt.Errorf("Secrets Manager answers %s", response.Status)
	}
	if response.StatusCode == http.StatusOK {
		return said.SecretString, nil
	}
	if strings.Contains(said.Type, "ResourceNotFound") {
		return "", errNoEntry
	}
	return "", fmt.Errorf("Secrets Manager refuses: %s", said.Type)
}
